"""Pictures beside questions: kept, found, put into chats. Callers name the user; others' pictures are never reached."""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q

from apps.accounts.models import User
from apps.chat import pictures
from apps.chat.models import Attachment
from apps.core import confined, stored
from apps.core.errors import Busy, Invalid, NotFound
from apps.llm.messages import Image

logger = logging.getLogger(__name__)
FOLDER = "attachments"
MOST_BYTES = 20 * 1024 * 1024
MOST_UNSENT = 100  # pictures of one user that belong to no question
UNSENT_KEPT = timedelta(hours=24)
DECODERS = 2  # pictures that a process decodes at the same time
TURN_SECONDS = 20.0
TYPES = {"jpg": "image/jpeg", "png": "image/png"}
Form = Literal["file", "thumbnail"]

_decoders = threading.BoundedSemaphore(DECODERS)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def attachment_create(*, user: User, name: str, data: bytes) -> Attachment:
    """Keep a picture for the user's next question. Slow: decodes it in a process of its own.

    Raises `Invalid` or `confined.Confined` for what is no picture or too large, `Busy` where too many come or wait.
    """
    size_check(len(data))
    if Attachment.objects.filter(owner=user, conversation=None).count() >= MOST_UNSENT:
        raise Busy("Too many pictures wait to be sent.", hint="Send or remove some.", retry_after=60)
    return _kept(user, shown_name(name), _decoded(data))


def _decoded(data: bytes) -> pictures.Prepared:
    """What is left of the picture once it is its turn: decoding takes processor and memory."""
    if not _decoders.acquire(timeout=TURN_SECONDS):
        raise Busy("Too many pictures come at once.", hint="Try again in a moment.", retry_after=5)
    try:
        made: pictures.Prepared = confined.run(
            "apps.chat.pictures.prepared", data, seconds=pictures.SECONDS, memory_mb=pictures.MEMORY_MB
        )
    finally:
        _decoders.release()
    return made


def size_check(size: int) -> None:
    """Raise `Invalid` where a file is larger than pictures may be."""
    if size > MOST_BYTES:
        raise Invalid(f"A picture may have {MOST_BYTES // 2**20} MB.", code="picture_too_large")


def _kept(user: User, name: str, made: pictures.Prepared) -> Attachment:
    suffix, whole, width, height, small = made
    identity = uuid.uuid4()
    place = f"{FOLDER}/{user.pk}/{identity}"
    row = Attachment(
        id=identity,
        owner=user,
        name=name,
        media_type=TYPES[suffix],
        width=width,
        height=height,
        size=len(whole),
        file=f"{place}.{suffix}",
        thumbnail=f"{place}.small.webp",
    )
    row.save(force_insert=True)  # first the row: a file without one would never be found again
    try:
        stored.save(row.file, whole)
        stored.save(row.thumbnail, small)
    except BaseException:  # whatever it was: half a picture is none
        attachment_discard(row)
        raise
    return row


def shown_name(name: str) -> str:
    """What a file was called, as far as it can be shown."""
    return _UNSHOWN.sub("", name.replace("\\", "/").rpartition("/")[2]).strip()[:120]


def attachment_get(*, user: User, attachment_id: UUID) -> Attachment:
    """The user's picture; raises `NotFound`, also where its chat is deleted."""
    mine = Attachment.objects.filter(Q(conversation=None) | Q(conversation__deleted_at=None), owner=user)
    row = mine.filter(id=attachment_id).first()
    if row is None:
        raise NotFound("There is no such picture.")
    return row


def attachment_remove(*, user: User, attachment_id: UUID) -> None:
    """Take back a picture that was not sent; raises `Invalid` for one that belongs to a chat."""
    row = attachment_get(user=user, attachment_id=attachment_id)
    if row.conversation_id is not None:
        raise Invalid("That picture belongs to a chat; delete the chat.", code="picture_sent")
    attachment_discard(row)


def attachment_discard(row: Attachment) -> None:
    stored.delete([row.file, row.thumbnail])
    row.delete()


def attachments_claim(*, user_id: int, conversation_id: UUID, attachment_ids: Sequence[UUID]) -> None:
    """Put pictures into a chat whose owner the caller has checked; raises `NotFound` unless all are the owner's."""
    mine = Attachment.objects.filter(Q(conversation=None) | Q(conversation=conversation_id), owner=user_id)
    if mine.filter(id__in=attachment_ids).update(conversation=conversation_id) != len(attachment_ids):
        raise NotFound("There is no such picture.", hint="Add the picture again.")


def images(*, attachment_ids: Sequence[UUID]) -> dict[UUID, Image]:
    """The pictures of messages whose owner the caller has checked, as models get them; lost files are left out."""
    rows = Attachment.objects.filter(id__in=attachment_ids) if attachment_ids else ()
    found = {}
    for row in rows:
        try:
            with stored.open_file(row.file) as file:
                found[row.id] = Image(file.read(), row.media_type)
        except FileNotFoundError:
            logger.warning("The file of the picture %s is gone.", row.id)
    return found


def attachments_forget(*, conversation_ids: Iterable[UUID]) -> None:
    """Delete the files of chats that are about to be deleted for good."""
    rows = Attachment.objects.filter(conversation__in=list(conversation_ids))
    stored.delete(name for names in rows.values_list("file", "thumbnail") for name in names)


def attachments_purge(*, now: datetime) -> int:
    """Delete pictures that nobody sent; returns how many. Safe to run twice at once."""
    old = list(Attachment.objects.filter(conversation=None, created_at__lt=now - UNSENT_KEPT)[:500])
    for row in old:
        attachment_discard(row)
    return len(old)


def strangers_forget() -> int:
    """Delete the pictures of people whose account is gone: their rows went with it; returns how many files."""
    try:
        owners = default_storage.listdir(FOLDER)[0]
    except FileNotFoundError:
        return 0
    rows = User.objects.filter(pk__in=[name for name in owners if name.isdigit()])
    known = {str(pk) for pk in rows.values_list("pk", flat=True)}
    names = [f"{FOLDER}/{owner}/{name}" for owner in owners if owner not in known for name in _files_of(owner)]
    return len(names) - stored.delete(names)


def _files_of(owner: str) -> list[str]:
    return default_storage.listdir(f"{FOLDER}/{owner}")[1]
