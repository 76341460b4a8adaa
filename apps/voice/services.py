"""Writes of speech. Whoever calls names the user; rows of others are never reached."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.core import stored, tracing, wakeups
from apps.core.errors import Busy, Invalid, NitroError
from apps.voice import audio, selectors
from apps.voice.models import Clip, Preference, Recording, Segment
from apps.voice.providers.base import Utterance

TASK, QUEUE = "apps.voice.tasks.transcribe_waiting", "voice"
LEASE = timedelta(seconds=30)
AGAIN = timedelta(seconds=10)
MOST_ATTEMPTS = 3
UNDO_WINDOW = timedelta(hours=24)
MOST_ACTIVE = 20
CLIP_DAYS = 30
SLOWEST, FASTEST = 0.25, 4.0

# --- recordings ------------------------------------------------------------------------------------------------------


def recording_create(*, user: User, name: str, content: bytes, suffix: str, language: str = "") -> Recording:
    """Keep a recording and queue it. Raises `Busy` where somebody has too many waiting, and as `stored.save`."""
    if selectors.recordings_active(user=user) >= MOST_ACTIVE:
        raise Busy(f"{MOST_ACTIVE} recordings are waiting already.", hint="Wait for one to end.", retry_after=30)
    recording_id = uuid.uuid4()
    file = f"voice/{user.pk}/{recording_id.hex}.{suffix}"
    stored.save(file, content)
    try:
        with transaction.atomic():
            recording = Recording.objects.create(
                id=recording_id,
                user=user,
                name=clean_name(name),
                file=file,
                size=len(content),
                language=language,
                asked_by=tracing.current(),
            )
            wakeups.wake(TASK, queue=QUEUE)
    except BaseException:  # whatever it was: without its row nobody would ever remove the file
        stored.delete([file])
        raise
    return recording


def clean_name(name: str) -> str:
    """A name for people to read: one line, nothing that could be a path."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:200]


def recording_claim(*, owner: str) -> Recording | None:
    """Take the job that waits longest; None where there is none. No two workers get the same one."""
    now = timezone.now()
    with transaction.atomic():
        recording = selectors.recordings_waiting(now=now).select_for_update(skip_locked=True).first()
        if recording is None:
            return None
        recording.state = Recording.State.RUNNING
        recording.owner, recording.lease_until = owner, now + LEASE
        recording.attempts += 1
        recording.progress = 0.0
        recording.save(update_fields=["state", "owner", "lease_until", "attempts", "progress"])
        recording.segments.all().delete()
    return recording


def recording_hold(*, recording_id: UUID, owner: str) -> bool:
    """Renew the lease; False where the job is no longer this worker's."""
    rows = Recording.objects.filter(id=recording_id, owner=owner, state=Recording.State.RUNNING)
    return bool(rows.update(lease_until=timezone.now() + LEASE))


def recording_give_back(*, recording_id: UUID, owner: str) -> bool:
    """Queue a job again with which this worker cannot go on, since it is about to stop. It costs no attempt."""
    rows = Recording.objects.filter(id=recording_id, owner=owner, state=Recording.State.RUNNING)
    return bool(
        rows.update(state=Recording.State.QUEUED, owner="", lease_until=None, progress=0.0, attempts=F("attempts") - 1)
    )


def recording_progress(*, recording_id: UUID, owner: str, progress: float) -> bool:
    """Renew the lease and tell how far it is; False where the job is no longer this worker's."""
    rows = Recording.objects.filter(id=recording_id, owner=owner, state=Recording.State.RUNNING)
    return bool(rows.update(progress=min(1.0, progress), lease_until=timezone.now() + LEASE))


def segment_add(*, recording: Recording, position: int, segment: audio.Segment) -> None:
    """Keep the next sentence that was heard, each word as its text and the seconds of its begin and end."""
    words = [[word.text, round(word.start, 3), round(word.end, 3)] for word in segment.words]
    text = segment.text.replace("\x00", "")
    Segment.objects.create(
        recording=recording, position=position, start=segment.start, end=segment.end, text=text, words=words
    )


def recording_finish(*, recording_id: UUID, owner: str, seconds: float, engine: str, language: str) -> bool:
    """The job has come to its end; False where it is no longer this worker's."""
    rows = Recording.objects.filter(id=recording_id, owner=owner, state=Recording.State.RUNNING)
    return bool(
        rows.update(
            state=Recording.State.DONE,
            progress=1.0,
            seconds=seconds,
            engine=engine,
            language=language,
            finished_at=timezone.now(),
        )
    )


def recording_fail(*, recording: Recording, owner: str, error: NitroError) -> None:
    """End a job with a sentence; one whose reason may go away is queued again, a few times."""
    rows = Recording.objects.filter(id=recording.pk, owner=owner, finished_at=None)
    if not error.permanent and recording.attempts < MOST_ATTEMPTS:
        rows.update(state=Recording.State.QUEUED, owner="", lease_until=timezone.now() + AGAIN)
        return
    rows.update(
        state=Recording.State.FAILED,
        error_code=error.code,
        error_message=error.message,
        error_hint=error.hint,
        finished_at=timezone.now(),
    )


def recording_cancel(*, user: User, recording_id: UUID) -> Recording:
    """Stop listening to a recording; the worker sees it within a second."""
    recording = selectors.recording_get(user=user, recording_id=recording_id)
    Recording.objects.filter(id=recording.pk, finished_at=None).update(
        state=Recording.State.CANCELLED, finished_at=timezone.now()
    )
    recording.refresh_from_db()
    return recording


def recording_delete(*, user: User, recording_id: UUID) -> None:
    """Remove a recording, its transcript and its file."""
    recording = selectors.recording_get(user=user, recording_id=recording_id)
    recording.delete()
    stored.delete([recording.file])


def recording_keep(*, user: User, recording_id: UUID, kept: bool) -> Recording:
    """Keep a recording from the cleanup, or leave it to it again."""
    recording = selectors.recording_get(user=user, recording_id=recording_id)
    recording.kept_at = timezone.now() if kept else None
    recording.save(update_fields=["kept_at"])
    return recording


def recording_opened(*, recording: Recording) -> None:
    """Somebody looks at it; noted once a day at most."""
    now = timezone.now()
    if now - recording.used_at > timedelta(days=1):
        Recording.objects.filter(pk=recording.pk).update(used_at=now)


def recordings_purge(*, now: datetime) -> int:
    """Remove for good what was hidden a day ago, with its file; returns how many."""
    old = selectors.recordings_purgeable(before=now - UNDO_WINDOW)
    stored.delete([recording.file for recording in old])
    Recording.objects.filter(pk__in=[recording.pk for recording in old]).delete()
    return len(old)


def recordings_rescue(*, now: datetime) -> int:
    """Queue the jobs of dead workers again, and end what has killed its worker too often; returns how many."""
    lost = Recording.objects.filter(state=Recording.State.RUNNING, lease_until__lt=now)
    ended = lost.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=Recording.State.FAILED,
        error_code="worker_lost",
        error_message="The worker died over this recording, several times.",
        error_hint="The log of the worker says more.",
        finished_at=now,
    )
    return ended + lost.update(state=Recording.State.QUEUED, owner="", lease_until=None, progress=0.0)


# --- clips -----------------------------------------------------------------------------------------------------------


def clip_digest(*, engine: str, utterance: Utterance, kind: str) -> str:
    parts = (engine, utterance.voice, f"{utterance.speed:g}", utterance.language, kind, utterance.text)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


def clip_keep(*, user: User, digest: str, content: bytes, suffix: str, seconds: float, engine: str) -> Clip:
    """Keep what was spoken; the clip there is already where somebody was faster."""
    clip_id = uuid.uuid4()
    file = f"voice/{user.pk}/clips/{clip_id.hex}.{suffix}"
    stored.save(file, content)
    try:
        with transaction.atomic():
            return Clip.objects.create(
                id=clip_id, user=user, digest=digest, file=file, size=len(content), seconds=seconds, engine=engine
            )
    except IntegrityError:
        stored.delete([file])
        found = selectors.clip_find(user=user, digest=digest)
        if found is None:
            raise
        return found


def clip_content(*, user: User, digest: str) -> bytes | None:
    """What was spoken before; None where it was not, or its file is gone."""
    clip = selectors.clip_find(user=user, digest=digest)
    if clip is None:
        return None
    try:
        with stored.open_file(clip.file) as file:
            content = file.read()
    except FileNotFoundError:
        clip.delete()
        return None
    if timezone.now() - clip.used_at > timedelta(days=1):
        Clip.objects.filter(pk=clip.pk).update(used_at=timezone.now())
    return content


def clips_expire(*, now: datetime) -> int:
    """Let go of clips that nobody has heard for a month; returns how many."""
    gone = 0
    while count := clips_forget(now - timedelta(days=CLIP_DAYS), 500):
        gone += count
    return gone


def clips_forget(before: datetime, at_most: int) -> int:
    """Let go of clips last heard before a time, at most so many; returns how many."""
    old = selectors.clips_unused(before=before, limit=at_most)
    Clip.objects.filter(pk__in=[clip.pk for clip in old]).delete()
    stored.delete([clip.file for clip in old])
    return len(old)


# --- taste -----------------------------------------------------------------------------------------------------------


def taste_set(
    *, user: User, voice: str, speed: float, language: str, browser_voice: bool = False, stop_answer: bool = False
) -> None:
    """How somebody likes to be spoken to from now on. Raises `Invalid`."""
    if not SLOWEST <= speed <= FASTEST:
        raise Invalid(f"The speed must be from {SLOWEST} to {FASTEST}.", code="bad_speed")
    Preference.objects.update_or_create(
        user=user,
        defaults={
            "voice": voice[:100],
            "speed": speed,
            "language": language[:16],
            "browser_voice": browser_voice,
            "stop_answer": stop_answer,
        },
    )
