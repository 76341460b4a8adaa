"""Tells whoever runs Nitro of alarms: one message for each look that changed something, by e-mail and webhook."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F

from apps.accounts import hooks
from apps.core.outside import Hook, OutsideError, post
from apps.monitor.models import Notice

logger = logging.getLogger(__name__)
PAUSES = (60, 300, 900, 3600, 10_800)  # seconds after a failed attempt; then it is given up
LEASE = timedelta(seconds=90)
KEPT = timedelta(days=30)
AT_ONCE = 20
ANSWER_LIMIT, PROBLEM_LIMIT = 120, 200
EVENT = "alert"
Channel = Notice.Channel


def channels() -> list[str]:
    """The ways out that are configured."""
    given = {Channel.EMAIL: settings.ALERT_EMAIL and settings.EMAIL_HOST, Channel.WEBHOOK: settings.ALERT_WEBHOOK_URL}
    return [channel.value for channel, value in given.items() if value]


def write(raised: Sequence[str], over: Sequence[str], hints: Sequence[str]) -> list[Notice]:
    """Put a message into the rows for each way out; nothing where nothing has changed. The log has it in any case."""
    if not (raised or over):
        return []
    for sentence in raised:
        logger.warning("Alarm: %s", sentence)
    for sentence in over:
        logger.info("%s", sentence)
    body = {"raised": list(raised), "over": list(over), "hints": list(hints)}
    return Notice.objects.bulk_create(Notice(channel=channel, body=body) for channel in channels())


def send(now: datetime) -> int:
    """Try what is due; returns how many were delivered. Several processes never take the same."""
    due = Notice.objects.filter(next_at__lte=now).order_by("next_at").values_list("pk", flat=True)[:AT_ONCE]
    mine = [pk for pk in due if _claim(pk, now)]
    rows = list(Notice.objects.filter(pk__in=mine).order_by("created_at"))
    for row in rows:
        _note(row, _deliver(row), now)
    Notice.objects.filter(created_at__lt=now - KEPT).delete()
    return sum(row.sent_at is not None for row in rows)


def _claim(pk: UUID, now: datetime) -> bool:
    rows = Notice.objects.filter(pk=pk, next_at__lte=now)
    return bool(rows.update(next_at=now + LEASE, attempts=F("attempts") + 1))


def _deliver(row: Notice) -> str:
    """Try once; returns what was wrong, nothing where it was taken."""
    return _mail(row) if row.channel == Channel.EMAIL else asyncio.run(_post(row))


def subject(body: dict[str, list[str]]) -> str:
    """The first thing that one reads."""
    first, *more = [*body["raised"], *body["over"]]
    return f"Nitro: {first}" + (f" (and {len(more)} more)" if more else "")


def text(body: dict[str, list[str]]) -> str:
    """The whole message in plain words."""
    where = f"\n\n{settings.PUBLIC_URL}/performance/" if settings.PUBLIC_URL else ""
    return "\n".join([*body["raised"], *body["over"], *(["", *body["hints"]] if body["hints"] else [])]) + where


def _mail(row: Notice) -> str:
    """Send it to each address by itself: a server may take it for one and refuse it for another."""
    left = [address for address in settings.ALERT_EMAIL if address not in row.told]
    problems: list[str] = []
    try:
        with get_connection() as line:  # which is closed, too, where the server turns us away
            for address in left:
                problems += _mail_one(row, address, line)
    except OSError as error:  # smtplib's own errors are among them
        problems.append(f"The mail server did not take it: {type(error).__name__}")
    return " ".join(problems)


def _mail_one(row: Notice, address: str, line: BaseEmailBackend) -> list[str]:
    """Send it to one address, and keep that it was; what was wrong where it was refused."""
    try:
        EmailMessage(subject(row.body), text(row.body), settings.EMAIL_FROM, [address], connection=line).send()
    except (SMTPRecipientsRefused, SMTPResponseException) as error:
        return [f"{address} was refused: {_printable(_answer(error))}."]
    except ValueError as error:  # Django finds that it is no address, or the sender's is none
        return [f"{address} cannot be written to: {_printable(str(error))}."]
    row.told.append(address)
    row.save(update_fields=["told"])
    return []


def _answer(error: SMTPRecipientsRefused | SMTPResponseException) -> str:
    """The mail server's own words."""
    said: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        ((code, said),) = error.recipients.values()
    else:
        code, said = error.smtp_code, error.smtp_error
    return f"{code} {said.decode('ascii', 'replace') if isinstance(said, bytes) else said}"


def _printable(words: str) -> str:
    """One line that may stand in a log."""
    return "".join(letter if letter.isprintable() else " " for letter in words)[:ANSWER_LIMIT].rstrip(" .")


async def _post(row: Notice) -> str:
    said = {"event": EVENT, "text": f"{subject(row.body)}\n{text(row.body)}", **row.body}
    body = json.dumps({**said, "created_at": row.created_at.isoformat()}).encode()
    headers = {"X-Nitro-Event": EVENT, "X-Nitro-Delivery": str(row.pk)}
    if settings.ALERT_WEBHOOK_SECRET:
        headers["X-Nitro-Signature"] = hooks.signature(settings.ALERT_WEBHOOK_SECRET, body, at=int(time.time()))
    try:
        answer = await post(settings.ALERT_WEBHOOK_URL, Hook(body, headers=headers))
    except OutsideError as error:
        return error.message[:200]
    return "" if 200 <= answer.status < 300 else f"It answered with status {answer.status}."


def _note(row: Notice, problem: str, now: datetime) -> None:
    if not problem:
        row.sent_at, row.next_at = now, None
    else:
        pause = PAUSES[row.attempts - 1] if row.attempts <= len(PAUSES) else None
        row.next_at = now + timedelta(seconds=pause) if pause is not None else None
        logger.warning("Not everybody could be told of an alarm by %s: %s", row.channel, problem)
    row.problem = problem[:PROBLEM_LIMIT]
    row.save(update_fields=["sent_at", "next_at", "problem"])
