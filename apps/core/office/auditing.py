"""The log of what administrators do: who, when, from where, what, on what, and why. It is only ever added to."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from apps.core.addresses import request_address
from apps.core.models import AuditEntry

TARGET_LIMIT, REASON_LIMIT = 200, 2000


def note(
    request: HttpRequest, action: AuditEntry.Action, target: str = "", *, reason: str = "", **details: Any
) -> AuditEntry:
    """Write down what is about to be done. Call it before doing it: what cannot be noted is not done."""
    return AuditEntry.objects.create(
        actor_id=request.user.pk,
        actor=request.user.get_username(),
        address=request_address(request),
        action=action,
        target=target[:TARGET_LIMIT],
        reason=reason[:REASON_LIMIT],
        details=details,
    )


def target_of(row: Model) -> str:
    """How the log names a row."""
    return f"{row._meta.label_lower} {row.pk}"
