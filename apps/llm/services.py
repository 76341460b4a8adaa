"""Writes about downloads of models (asked for, carried, cancelled, ended) and about providers that rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Invalid, NitroError, NotAllowed, NotFound
from apps.llm import selectors
from apps.llm.models import NAME_LIMIT, Drain, Pull

LEASE = timedelta(seconds=10)
REASON_LIMIT = 200
# [[host/]namespace/]name[:tag]; a host is a public name: no address of numbers, no port, nothing of an inner network.
PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
HOST = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.(?!(?i:local|internal|localhost|lan)/)[A-Za-z]{2,24}"
NAME = re.compile(rf"(?:(?:{HOST}/)?{PART}/)?{PART}(?::{PART})?")
ADDRESS = "https://"
FILE = re.compile(rf"{ADDRESS}[^\s?#@\\]+/[A-Za-z0-9][A-Za-z0-9._+-]{{0,119}}\.gguf")
ADDRESS_HINT = "An address begins with https:// and ends with the file's name: …/model.gguf, with nothing behind it."
NAME_HINT = "Names look like llama3.2, phi3:mini or hf.co/user/model. All others: `ollama pull` on that machine."
STEP_LIMIT = 200
WORDS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is, in bytes, and the server's own word for what it does."""

    status: str = ""
    completed: int = 0
    total: int = 0


def administrator_required(*, user: User) -> None:
    """Raises `NotAllowed` for everybody who may not change which models there are."""
    if not (user.is_active and user.is_staff):
        raise NotAllowed("Only administrators install and remove models.", hint="Ask an administrator to do it.")


def name_of_model(given: str) -> str:
    """A name that a model can have, in its short form, or the address of a model file. Raises `Invalid`."""
    name = given.strip().removesuffix(":latest")
    if "://" in name:
        return _address(name)
    if len(name) > NAME_LIMIT or not NAME.fullmatch(name) or ".." in name:
        raise Invalid("No model has a name like that.", hint=NAME_HINT)
    return name


def _address(name: str) -> str:
    if len(name) > NAME_LIMIT or not name.isprintable() or not FILE.fullmatch(name):
        raise Invalid("That is not the address of a model file.", hint=ADDRESS_HINT)
    return name


def pull_start(*, user: User | None, name: str) -> Pull:
    """Ask for a model: a new download, or the one that is under way. None stands for whoever has the command line.

    Raises `Invalid` for what no model is called, and `NotAllowed`.
    """
    if user is not None:
        administrator_required(user=user)
    name = name_of_model(name)
    try:
        with transaction.atomic():
            return Pull.objects.create(name=name, asked_by=user)
    except IntegrityError:
        under_way = Pull.objects.filter(name=name, state__in=Pull.UNDER_WAY).first()
    return under_way or pull_start(user=user, name=name)  # it has just ended: the next one is a new one


def pull_cancel(*, user: User, pull_id: UUID) -> Pull:
    """End a download; the process that carries it lets go within a second. Harmless for one that has ended."""
    administrator_required(user=user)
    return _cancelled(selectors.pull_get(user=user, pull_id=pull_id))


def pull_cancel_by_name(*, name: str) -> Pull:
    """End the download of a model, for whoever has the command line. Raises `NotFound`."""
    pull = Pull.objects.filter(name=name_of_model(name), state__in=Pull.UNDER_WAY).first()
    if pull is None:
        raise NotFound(f"No download of {name} is under way.", hint="`nitro models list` shows what is installed.")
    return _cancelled(pull)


def _cancelled(pull: Pull) -> Pull:
    rows = Pull.objects.filter(pk=pull.pk, state__in=Pull.UNDER_WAY)
    rows.update(cancel_requested=True, updated_at=timezone.now())
    rows.filter(lease_until=None).update(state=Pull.State.CANCELLED)
    pull.refresh_from_db()
    return pull


def pull_claim(*, pull_id: UUID, holder: str, now: datetime) -> Pull | None:
    """Take a download that nobody carries; None where somebody was quicker."""
    rows = selectors.pulls_unattended(now=now).filter(pk=pull_id)
    if not rows.update(state=Pull.State.RUNNING, holder=holder, lease_until=now + LEASE, updated_at=now):
        return None
    return Pull.objects.get(pk=pull_id)


def pull_carry_on(*, pull_id: UUID, holder: str, progress: Progress, now: datetime) -> bool:
    """Keep how far it is and go on holding it; False where it was cancelled or is somebody else's by now."""
    rows = _held(pull_id, holder).filter(cancel_requested=False)
    return bool(rows.update(**_columns(progress), lease_until=now + LEASE, updated_at=now))


def pull_let_go(*, pull_id: UUID, holder: str) -> None:
    """Lay it down, for another process to go on with at once."""
    _held(pull_id, holder).update(lease_until=None, holder="")


def pull_finish(*, pull_id: UUID, holder: str, progress: Progress, failure: NitroError | None = None) -> Pull | None:
    """Write its end; one that was cancelled ends as cancelled. None where it is somebody else's by now."""
    state, words = Pull.State.DONE, {}
    if failure is not None:
        state = Pull.State.FAILED
        words = {
            "error_code": failure.code[:64],
            "error_message": failure.message[:WORDS_LIMIT],
            "error_hint": failure.hint[:WORDS_LIMIT],
        }
    ended = {"lease_until": None, "updated_at": timezone.now(), **_columns(progress)}
    rows = _held(pull_id, holder)
    if rows.filter(cancel_requested=True).update(state=Pull.State.CANCELLED, **ended):
        return Pull.objects.get(pk=pull_id)
    return Pull.objects.get(pk=pull_id) if rows.update(state=state, **ended, **words) else None


def pulls_forget(*, before: datetime) -> int:
    """Delete the rows of downloads that ended before then; returns how many."""
    return Pull.objects.exclude(state__in=Pull.UNDER_WAY).filter(updated_at__lt=before).delete()[0]


def _held(pull_id: UUID, holder: str) -> QuerySet[Pull]:
    return Pull.objects.filter(pk=pull_id, holder=holder, state=Pull.State.RUNNING)


def _columns(progress: Progress) -> dict[str, str | int]:
    return {
        "status": progress.status.replace("\0", "")[:STEP_LIMIT],
        "completed": progress.completed,
        "total": progress.total,
    }


# --- providers that rest ----------------------------------------------------------------------------------------------


def provider_drain(*, kind: str, reason: str, by: str) -> Drain:
    """Let a kind of provider take no new questions; running answers end as they would. All processes know in 2 s."""
    values = {"reason": reason[:REASON_LIMIT], "by": by, "at": timezone.now()}
    return Drain.objects.update_or_create(kind=kind, defaults=values)[0]


def provider_undrain(*, kind: str) -> bool:
    """Let it on again; False where it was on."""
    return bool(Drain.objects.filter(kind=kind).delete()[0])
