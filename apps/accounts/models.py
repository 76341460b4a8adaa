"""Users and what belongs to their sign-in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class Theme(models.TextChoices):
    SYSTEM = "system", "Like the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractUser):
    """Somebody who signs in. Preferences live here, since they are read with the user anyway."""

    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    system_prompt = models.TextField(blank=True, max_length=8000)

    class Meta:
        db_table = "nitro_user"
