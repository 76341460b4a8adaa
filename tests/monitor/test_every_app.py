"""The nightly cleanup lets go of what is idle in every app, and `nitro cleanup --dry-run` names it all."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from apps.core import retention

KINDS = {"conversations", "pictures", "orders of pictures", "recordings", "spoken sentences", "searches"}


def test_every_app_that_keeps_things_of_people_lets_go_of_them() -> None:
    assert set(retention._kinds) == KINDS


@pytest.mark.django_db
def test_a_dry_run_names_every_kind() -> None:
    out = StringIO()
    call_command("cleanup", "--dry-run", stdout=out)
    assert all(f"0 {kind} that nobody has used" in out.getvalue() for kind in KINDS)
