"""Webhooks: somebody's own server is told, signed, when something of theirs is done."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import Delivery, HookEvent, User, Webhook
from apps.core import news, tracing, wakeups
from apps.core.errors import Invalid, NotFound
from apps.core.outside import Hook, OutsideError, post
from apps.core.outside.addresses import address_read

MOST = 10  # webhooks of one user
PAUSES = (15, 60, 300, 1_800, 7_200, 21_600)  # seconds after a failed attempt; then it is given up
LEASE = timedelta(seconds=60)  # for one attempt: after it, another worker may try
KEPT = timedelta(days=7)
AT_ONCE = 20
FRESH_SECONDS = 3.0
NEWS = "webhook"


# --- whose -----------------------------------------------------------------------------------------------------------


def webhooks_of(*, user: User) -> QuerySet[Webhook]:
    """A user's webhooks, newest first."""
    return Webhook.objects.filter(user=user)


def webhook_get(*, user: User, webhook_id: UUID) -> Webhook:
    """One of a user's webhooks; raises `NotFound`."""
    row = webhooks_of(user=user).filter(pk=webhook_id).first()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def webhook_create(*, user: User, url: str, events: Collection[str]) -> Webhook:
    """A new one. Raises `Invalid` and `AddressRefused`; whether anybody may be called there is seen at each call."""
    address_read(url)
    chosen = sorted(set(events))
    if not chosen or not set(chosen) <= set(HookEvent.values):
        raise Invalid("A webhook needs at least one event of: " + ", ".join(HookEvent.values) + ".")
    if webhooks_of(user=user).count() >= MOST:
        raise Invalid(f"More than {MOST} webhooks are not possible.", hint="Delete one that is no longer needed.")
    made = Webhook.objects.create(user=user, url=url, events=chosen)
    transaction.on_commit(_tell_of_new)
    return made


def _tell_of_new() -> None:
    """The very next answer is told of, also where another process writes it."""
    forget()
    news.tell({"kind": NEWS})


def webhook_delete(*, user: User, webhook_id: UUID) -> None:
    """Call there no more; what was not delivered yet never will be."""
    webhook_get(user=user, webhook_id=webhook_id).delete()


class _Known:
    """Who has webhooks, as it was a moment ago in this process."""

    users: frozenset[int] = frozenset()
    until = 0.0
    forgotten = 0  # how often; what was read before the last time counts no more


def look() -> None:
    """See who has webhooks, at most every three seconds; one query."""
    if time.monotonic() >= _Known.until:
        before = _Known.forgotten
        _Known.users = frozenset(Webhook.objects.values_list("user_id", flat=True))
        _Known.until = time.monotonic() + FRESH_SECONDS if before == _Known.forgotten else 0.0


def is_called(*, user_id: int) -> bool:
    """Whether somebody has webhooks, as far as the last look says; asks nobody. True where that is not known."""
    return not _Known.until or user_id in _Known.users


def forget() -> None:
    """Look anew at the next time."""
    _Known.until = 0.0
    _Known.forgotten += 1


# --- what is told ----------------------------------------------------------------------------------------------------


def announce(*, user_id: int, event: HookEvent, data: Mapping[str, Any]) -> int:
    """Write a message for each webhook that wants it; a worker sends them. Returns how many there are."""
    wanted = Webhook.objects.filter(user_id=user_id, events__contains=[event], user__is_active=True)
    body = {"event": event.value, "created_at": timezone.now().isoformat(), "data": data}
    text = orjson.dumps(body, default=str).decode()
    rows = [Delivery(webhook=hook, event=event, body=text, asked_by=tracing.current()) for hook in wanted]
    made = Delivery.objects.bulk_create(rows)
    if made:
        wakeups.wake("apps.accounts.tasks.deliver", queue="celery")
    return len(made)


def deliveries_send(*, now: datetime) -> int:
    """Try what is due, side by side; returns how many were delivered. Several workers never take the same.

    What was written for somebody who has been switched off since waits, and goes out if they are let in again.
    """
    due = Delivery.objects.filter(next_at__lte=now, webhook__user__is_active=True).order_by("next_at")
    mine = [pk for pk in due.values_list("pk", flat=True)[:AT_ONCE] if _claim(pk, now)]
    rows = list(Delivery.objects.filter(pk__in=mine).select_related("webhook"))
    problems = asyncio.run(_send_all(rows)) if rows else []
    for row, problem in zip(rows, problems, strict=True):
        _note(row, problem, now)
    return problems.count("")


def _claim(pk: UUID, now: datetime) -> bool:
    rows = Delivery.objects.filter(pk=pk, next_at__lte=now)
    return bool(rows.update(next_at=now + LEASE, attempts=F("attempts") + 1))


async def _send_all(rows: list[Delivery]) -> list[str]:
    return list(await asyncio.gather(*(_send(row) for row in rows)))


async def _send(row: Delivery) -> str:
    """Try once, in a context of its own; returns what was wrong, nothing where it was taken."""
    tracing.go_on(row.asked_by)
    body = row.body.encode()
    headers = {
        "X-Nitro-Event": row.event,
        "X-Nitro-Delivery": str(row.pk),
        "X-Nitro-Signature": signature(row.webhook.secret, body, at=int(time.time())),
    }
    try:
        answer = await post(row.webhook.url, Hook(body, headers=headers))
    except OutsideError as error:
        return error.message[:200]
    return "" if 200 <= answer.status < 300 else f"It answered with status {answer.status}."


def signature(secret: str, body: bytes, *, at: int) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA-256 over the seconds, a dot and the body: nothing old can be replayed."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def _note(row: Delivery, problem: str, now: datetime) -> None:
    if not problem:
        row.delivered_at, row.next_at = timezone.now(), None
    else:
        pause = PAUSES[row.attempts - 1] if row.attempts <= len(PAUSES) else None
        row.next_at = now + timedelta(seconds=pause) if pause is not None else None
    row.problem = problem
    row.save(update_fields=["delivered_at", "next_at", "problem"])


def deliveries_expire(*, now: datetime) -> int:
    """Forget what is a week old; returns how many."""
    return Delivery.objects.filter(created_at__lt=now - KEPT).delete()[0]
