"""Requests that may come twice: with an `Idempotency-Key`, the second one gets the first one's answer.

Where the work is short (`idempotent`) the key is claimed, the work done and its answer kept in one transaction. So a
crash in between leaves nothing behind, and of two equal requests at once the second waits for the first. Work that has
to wait (`idempotent_slowly`) keeps no transaction open: the second of two requests at once is told to come back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, cast

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.http import QueryDict
from django.utils import timezone
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Conflict, Invalid, NitroError
from apps.core.models import Replay

HEADER = "Idempotency-Key"
FORM = "multipart/form-data"
REPLAYED = "Idempotent-Replayed"
KEY_LIMIT = 200
LIFETIME = timedelta(hours=24)
WAIT_MILLISECONDS = 10_000
AT_WORK = 0  # the status of a request that is not answered yet
REMEMBERED = 1  # of one whose answer stands elsewhere
LONGEST_WORK = timedelta(minutes=10)  # what is at work for longer died with its process
PIECE = 64 * 1024
View = Callable[..., Response]


class KeyReused(NitroError):
    """The key belongs to another request."""

    code = "idempotency_key_reused"
    status = 422
    hint = "Make a new key for each new request, and send the same key only with the very same body."


def idempotent(view: View) -> View:
    """A method of a view that creates something: repeated with the same key, it creates nothing new.

    Failures are not kept: the same request may be sent again when its reason is gone. The schema tells of the header.
    """

    @wraps(view)
    def once(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = key_of(request)
        if not key:
            return view(self, request, *args, **kwargs)
        return answer_once(request, key, lambda: view(self, request, *args, **kwargs))

    cast(Any, once).is_idempotent = True
    return once


def idempotent_slowly(view: View) -> View:
    """The same for a method that waits: for pages of the web, a model, or its turn to be decoded."""

    @wraps(view)
    def once(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = key_of(request)
        if not key:
            return view(self, request, *args, **kwargs)
        return _answer_slowly(request, key, lambda: view(self, request, *args, **kwargs))

    cast(Any, once).is_idempotent = True
    return once


def key_of(request: Request) -> str:
    """The key that was sent, empty where there is none."""
    return key_from(request.headers.get(HEADER, ""))


def key_from(header: str) -> str:
    """A header's value as a key; raises `Invalid` for one that cannot be kept."""
    if len(header) > KEY_LIMIT or not header.isprintable():
        raise Invalid(f"An {HEADER} is a word of at most {KEY_LIMIT} printable characters, such as a UUID.")
    return header


def answer_once(request: Request, key: str, work: Callable[[], Response]) -> Response:
    """The answer that was given before, or the one that `work` gives now. Raises `KeyReused` and `Conflict`."""
    mark = fingerprint(request)
    with transaction.atomic():
        replay, is_new = _claim(int(request.user.pk or 0), key, mark)
        if not is_new:
            return _replayed(replay, mark)
        response = work()
        replay.status, replay.body = response.status_code, orjson.dumps(response.data, default=str).decode()
        replay.save(update_fields=["status", "body"])
    return response


def _answer_slowly(request: Request, key: str, work: Callable[[], Response]) -> Response:
    mark = fingerprint(request)
    user_id = int(request.user.pk or 0)
    with transaction.atomic():
        died = timezone.now() - LONGEST_WORK
        Replay.objects.filter(user_id=user_id, key=key, status=AT_WORK, created_at__lt=died).delete()
        replay, is_new = _claim(user_id, key, mark)
    if not is_new:
        return _replayed(replay, mark)
    response: Response | None = None
    try:
        response = work()
    finally:
        _settle(replay, response)
    return response


def _settle(replay: Replay, response: Response | None) -> None:
    """Keep an answer; after a failure the key is free again."""
    if response is None or response.status_code >= 400:
        replay.delete()
        return
    replay.status, replay.body = response.status_code, orjson.dumps(response.data, default=str).decode()
    replay.save(update_fields=["status", "body"])


def key_remember(*, user_id: int, key: str, mark: str) -> bool:
    """Remember with what a key came for the first time, where its answer is found by other means; False where it was
    known already. Raises `KeyReused` where it came with something else."""
    with transaction.atomic():
        replay, is_new = _claim(user_id, key, mark)
        if replay.fingerprint != mark:
            raise KeyReused("This Idempotency-Key was sent before, with another request.")
        if is_new:
            Replay.objects.filter(pk=replay.pk).update(status=REMEMBERED)
    return is_new


def key_forget(*, user_id: int, key: str) -> None:
    """The key is free again: what came with it could not even begin."""
    Replay.objects.filter(user_id=user_id, key=key, status=REMEMBERED).delete()


def key_free(request: Request) -> None:
    """Forget what was kept under this request's key: what it had begun has failed, and may be begun again."""
    Replay.objects.filter(user_id=int(request.user.pk or 0), key=key_of(request)).delete()


def fingerprint(request: Request) -> str:
    """What makes two requests the same: the address and the body, of a form its fields and the bytes of its files."""
    asked = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if not request.content_type.startswith(FORM):
        asked.update(request._request.body)
        return asked.hexdigest()
    form = cast(QueryDict, request.data)
    for name, value in sorted(form.items()):
        asked.update(repr((name, getattr(value, "name", value))).encode("utf-8", "replace"))
        if isinstance(value, UploadedFile):
            for piece in value.chunks(PIECE):
                asked.update(piece)
            value.seek(0)
    return asked.hexdigest()


def _claim(user_id: int, key: str, mark: str) -> tuple[Replay, bool]:
    """The row of this key, and whether it is ours to fill. Waits for another one that is just being filled."""
    Replay.objects.filter(user_id=user_id, key=key, created_at__lt=timezone.now() - LIFETIME).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(WAIT_MILLISECONDS)])
    try:
        return Replay.objects.get_or_create(user_id=user_id, key=key, defaults={"fingerprint": mark})
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Conflict(
                "The first request with this key is still at work.", code="in_progress", retry_after=5
            ) from error
        raise


def _replayed(replay: Replay, mark: str) -> Response:
    if replay.fingerprint != mark:
        raise KeyReused("This Idempotency-Key was sent before, with another request.")
    if replay.status == AT_WORK:
        raise Conflict("The first request with this key is still at work.", code="in_progress", retry_after=5)
    return Response(orjson.loads(replay.body), status=replay.status, headers={REPLAYED: "true"})


def replays_expire(*, now: datetime) -> int:
    """Forget the answers that are older than a day; returns how many."""
    return Replay.objects.filter(created_at__lt=now - LIFETIME).delete()[0]
