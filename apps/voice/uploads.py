"""Recordings as they come in: how large they may be, what they really are, and whether they are heard at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections

from apps.core import confined
from apps.core.errors import Invalid
from apps.voice import registry, transcribing
from apps.voice.audio import Heard
from apps.voice.cells.kinds import kind_of

AT_ONCE_SECONDS = 60.0  # longer recordings become jobs
WAITED_SECONDS = 900.0  # for OpenAI's clients, which wait for the answer
SUFFIXES = {"wav": "wav", "ogg": "ogg", "flac": "flac", "matroska": "webm", "mov": "m4a", "mp3": "mp3", "aac": "aac"}


def content_of(upload: Any) -> bytes:
    """What was sent. Raises `Invalid` for nothing at all, and 413 for more than Nitro takes."""
    if upload.size > settings.MAX_BODY_MB * 1024 * 1024:
        error = Invalid("This recording is too large.", code="too_large", hint="Send it as MP3 or Opus, or in parts.")
        error.status = 413
        raise error
    content: bytes = upload.read()
    if not content:
        raise Invalid("This recording is empty.", code="damaged_recording", hint="Record it again.")
    return content


def suffix_of(content: bytes) -> str:
    """The end of the name under which a recording is kept, from its first bytes. Raises `Invalid`."""
    return SUFFIXES[kind_of(content[:64])]


def heard_now(content: bytes, *, language: str, longest: float) -> Heard | None:
    """The transcript of a recording; None where it is longer than `longest` seconds. Raises with a sentence."""
    give_connections_back()
    with transcribing.place():
        try:
            samples = transcribing.decoded(content, longest=longest)
        except confined.Failed as error:
            if error.code == "too_long":
                return None
            raise
        return transcribing.transcribed(samples, registry.transcriber(), language=language)


def give_connections_back() -> None:
    """Let others have the database while this thread listens; where a transaction is open it has to stay."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
