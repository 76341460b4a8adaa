"""Users, and what lets them in: one-time sign-in links and API keys."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.core.windows import Rate

KEY_BEGINNING = "nk_"


def secret_hash(secret: str) -> str:
    """What is kept of a link's token or a key: enough to recognise it, useless to sign in with.

    A plain SHA-256 is right here: the secrets are 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def secret_new() -> str:
    return secrets.token_urlsafe(32)


class Theme(models.TextChoices):
    SYSTEM = "system", "Like the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class Scope(models.TextChoices):
    """What an API key may be used for: an area, or reading in it alone."""

    CHAT = "chat", "Chat and conversations"
    CHAT_READ = "chat:read", "Chat and conversations, reading only"
    MODELS = "models", "List and install models"
    MODELS_READ = "models:read", "List models"
    IMAGES = "images", "Images"
    IMAGES_READ = "images:read", "Images, looking only"
    VOICE = "voice", "Speech"
    VOICE_READ = "voice:read", "Speech, recordings and voices only"
    SEARCH = "search", "Web search"
    SEARCH_READ = "search:read", "Web search, earlier searches only"
    ADMIN = "admin", "Administration and metrics"
    ADMIN_READ = "admin:read", "Metrics"

    @property
    def area(self) -> str:
        return area_of(self.value)


READ = ":read"


def area_of(scope: str) -> str:
    """The area that a scope belongs to."""
    return scope.removesuffix(READ)


def everyday_scopes() -> list[str]:
    """What a new key may do unless it is told otherwise: everything but administration."""
    return [scope.value for scope in Scope if scope.area != Scope.ADMIN and scope.area == scope.value]


class User(AbstractUser):
    """Somebody who signs in. Preferences live here, since they are read with the user anyway."""

    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    system_prompt = models.TextField("what Nitro should know about you", blank=True, max_length=8000)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "nitro_user"

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions end with a new password, as in Django, and with a new epoch ("sign out everywhere")."""
        salt = "apps.accounts.models.User.get_session_auth_hash"
        return salted_hmac(salt, f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256").hexdigest()


class SignInLink(models.Model):
    """An address that signs somebody in once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_in_links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "nitro_sign_in_link"

    def __str__(self) -> str:
        return f"sign-in link of {self.user_id} until {self.expires:%Y-%m-%d %H:%M}"


class ApiKey(models.Model):
    """Lets a program act for its user, within its scopes. Only a hash is kept: the key is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope), default=everyday_scopes)
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False)
    revoked = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "nitro_api_key"
        verbose_name = "API key"
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


def validate_rate(value: str) -> None:
    """Refuse what is no rate, with a sentence for whoever typed it."""
    try:
        Rate.parse(value)
    except ValueError as error:
        raise ValidationError("Write a count and second, minute, hour or day: 60/minute.") from error


class GroupLimit(models.Model):
    """What the members of a group may ask for. Who is in several groups has the most generous of each."""

    group = models.OneToOneField("auth.Group", on_delete=models.CASCADE, related_name="nitro_limit")
    rate = models.CharField(
        "questions",
        max_length=20,
        blank=True,
        validators=[validate_rate],
        help_text="How many in which time, such as 60/minute. Blank: as RATE_LIMIT_CHAT says.",
    )
    messages_per_day = models.PositiveIntegerField(null=True, blank=True, help_text="Blank: no limit.")
    tokens_per_day = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Read and written together. Blank: no limit."
    )

    class Meta:
        db_table = "nitro_group_limit"

    def __str__(self) -> str:
        return f"limits of {self.group}"


class DailyUsage(models.Model):
    """What somebody used on one day (UTC): answers, and the tokens that models read and wrote for them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    messages = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "nitro_daily_usage"
        verbose_name = verbose_name_plural = "daily usage"
        constraints = [models.UniqueConstraint("user", "day", name="usage_once_per_day")]
        indexes = [models.Index("day", "user", name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day}"

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class HookEvent(models.TextChoices):
    """What somebody's own server can be told of."""

    ANSWER = "answer.done", "An answer is done"
    IMAGE = "image.done", "A picture is done"


class Webhook(models.Model):
    """An address of somebody's own that is told when something of theirs is done.

    What signs its messages is made of `nonce` and the installation's own key: nobody who reads this row can sign.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = ArrayField(models.CharField(max_length=40, choices=HookEvent))
    nonce = models.CharField(max_length=64, default=secret_new, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "nitro_webhook"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"webhook {self.id}"

    @property
    def secret(self) -> str:
        """What messages are signed with; it is shown once."""
        return "whsec_" + salted_hmac("nitro.webhook", self.nonce, algorithm="sha256").hexdigest()


class Delivery(models.Model):
    """One message to a webhook: sent until it is taken, later and later, and given up in the end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40, choices=HookEvent)
    body = models.TextField()
    asked_by = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False, help_text="The request that set it off"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, default=timezone.now, help_text="Empty: it is over")
    delivered_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, help_text="Why the last attempt failed")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "nitro_webhook_delivery"
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index("next_at", name="delivery_due", condition=models.Q(next_at__isnull=False)),
            models.Index("created_at", name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"
