"""The job of writing down a long recording: claim, decode aside, listen piece by piece, keep what is heard. Blocks."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from apps.core import draining, stored, tracing
from apps.core.errors import NitroError
from apps.core.scratch import scratch
from apps.voice import registry, services, transcribing
from apps.voice.audio import BYTES_PER_SECOND
from apps.voice.configuration import configured, longest_seconds
from apps.voice.holding import Hold
from apps.voice.models import Recording

logger = logging.getLogger(__name__)
TELL_SECONDS = 1.0
INCARNATION = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class TakenAway(Exception):
    """The job is no longer ours: it was cancelled, deleted, or given to another worker."""


class Leaving(Exception):
    """This process is about to stop: somebody else has to begin anew."""


def run_next() -> bool:
    """Do the job that waits longest; False where there is none. Every end is written to the row."""
    if draining.is_draining():
        return False
    owner = f"{INCARNATION}:{uuid4().hex[:8]}"
    recording = services.recording_claim(owner=owner)
    if recording is None:
        return False
    with tracing.during(recording.asked_by):
        _run(recording, owner)
    return True


def _run(recording: Recording, owner: str) -> None:
    try:
        with scratch() as folder, Hold(recording_id=recording.pk, owner=owner) as hold:
            _transcribe(recording, owner, folder, hold)
    except TakenAway:
        logger.info("The recording %s was taken away.", recording.pk)
    except Leaving:
        services.recording_give_back(recording_id=recording.pk, owner=owner)
    except NitroError as error:
        services.recording_fail(recording=recording, owner=owner, error=error)
    except Exception:  # a defect of ours must not leave a recording that is being written down for ever
        logger.exception("The recording %s could not be transcribed.", recording.pk)
        broken = NitroError("Something in Nitro broke over this recording.", hint="The log of the worker says more.")
        services.recording_fail(recording=recording, owner=owner, error=broken)
        raise


def _transcribe(recording: Recording, owner: str, folder: Path, hold: Hold) -> None:
    engine = registry.transcriber()
    language = recording.language or configured().language
    source, samples = folder / "recording", folder / "samples"
    try:
        with stored.open_file(recording.file) as file, source.open("wb") as copy:
            shutil.copyfileobj(file, copy)
    except FileNotFoundError as error:
        raise NitroError("The file of this recording is gone.", code="file_gone") from error
    seconds = transcribing.decoded_to_file(str(source), str(samples), longest=longest_seconds())
    parts = _told(recording, owner, samples)
    for position, segment in enumerate(transcribing.segments_of(parts, engine, language=language)):
        if hold.lost:
            raise TakenAway
        services.segment_add(recording=recording, position=position, segment=segment)
    services.recording_finish(
        recording_id=recording.pk, owner=owner, seconds=seconds, engine=engine.kind, language=language
    )


def _told(recording: Recording, owner: str, samples: Path) -> Iterator[bytes]:
    """The samples piece by piece, telling now and then how far it is; raises `TakenAway`."""
    total, done, told = samples.stat().st_size, 0, 0.0
    with samples.open("rb") as file:
        while part := file.read(BYTES_PER_SECOND):
            if draining.is_draining():
                raise Leaving
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                if not services.recording_progress(recording_id=recording.pk, owner=owner, progress=done / total):
                    raise TakenAway
            yield part
            done += len(part)
