"""The board on the admin's first page: the house in a dozen figures, each for those who may see what it leads to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django_celery_beat.models import PeriodicTask

from apps.accounts import presence
from apps.chat.models import Turn
from apps.core.memory import MemoryAway
from apps.core.models import BulkJob
from apps.core.office.site import Tile
from apps.images.models import ImageJob
from apps.monitor import readings
from apps.monitor.models import Alert, Cleanup
from apps.monitor.office import cache, providers
from apps.monitor.readings import Reading
from apps.voice.models import Recording

MOST = 1000  # what is counted for a figure
WORKER_SILENT = 120.0  # seconds: the beat sends a sign of life every 30
BEAT_SILENT = timedelta(minutes=3)
NIGHT = timedelta(hours=30)
OLD_BACKUP = timedelta(days=8)


def tiles(request: HttpRequest) -> list[Tile]:
    """What this person may see, in one look at Redis and a dozen small queries."""
    reading = readings.reading()
    may = request.user.has_perm
    wanted: list[tuple[str, Callable[[], Tile]]] = [
        ("core.see_sessions", live),
        ("chat.view_turn", turns),
        ("images.view_imagejob", pictures),
        ("voice.view_recording", recordings),
        ("core.view_bulkjob", bulk_actions),
        ("core.see_providers", how_providers_do),
        ("core.see_cache", lambda: answers(reading)),
        ("monitor.view_alert", alarms),
        ("django_celery_beat.view_periodictask", lambda: worker(reading)),
        ("django_celery_beat.view_periodictask", beat),
        ("monitor.view_cleanup", cleanup),
        ("monitor.view_cleanup", backup),
    ]
    return [tile() for permission, tile in wanted if may(permission)]


def live() -> Tile:
    place = reverse("admin:office-sessions")
    try:
        found = presence.live(0)
        return Tile("Live sessions", f"{found.count}", f"{found.chats} of {settings.MAX_SESSIONS} chats", place)
    except MemoryAway:
        return Tile("Live sessions", "?", "Redis does not answer", place, "bad")


def turns() -> Tile:
    running = some(Turn.objects.filter(state=Turn.State.RUNNING))
    return Tile("Answers being written", running, "", reverse("admin:chat_turn_changelist") + "?state__exact=running")


def pictures() -> Tile:
    waiting = some(ImageJob.objects.filter(state=ImageJob.State.QUEUED))
    place = reverse("admin:images_imagejob_changelist") + "?state__exact=queued"
    return Tile("Pictures waiting", waiting, "", place, "wait" if waiting != "0" else "")


def recordings() -> Tile:
    waiting = some(Recording.objects.filter(finished_at=None, state=Recording.State.QUEUED))
    place = reverse("admin:voice_recording_changelist") + "?state__exact=queued"
    return Tile("Recordings waiting", waiting, "", place, "wait" if waiting != "0" else "")


def bulk_actions() -> Tile:
    return Tile("Bulk actions", some(BulkJob.objects.filter(state__in=BulkJob.OPEN)), "waiting or running",
                reverse("admin:core_bulkjob_changelist"))  # fmt: skip


def some(rows: QuerySet[Any]) -> str:
    """How many, as far as that is worth counting."""
    counted = rows.order_by()[:MOST].count()
    return f"{MOST}+" if counted == MOST else str(counted)


def how_providers_do() -> Tile:
    found = providers.kinds()
    well = sum(kind.state == "well" for kind in found)
    odd = [f"{kind.name} {kind.state}" for kind in found if kind.state not in {"well", "not asked yet", "not here"}]
    state = "bad" if any(kind.state == "away" for kind in found) else "wait" if odd else "good" if well else ""
    return Tile("Providers", f"{well} well", ", ".join(odd), reverse("admin:office-providers"), state)


def answers(reading: Reading) -> Tile:
    rate = cache.use(reading).rate
    value = "–" if rate is None else f"{rate} %"
    return Tile("Answered from memory", value, "of questions it could know", reverse("admin:office-cache"))


def alarms() -> Tile:
    raised = Alert.objects.filter(raised=True).count()
    note = "see the performance page" if raised else "nothing is wrong"
    return Tile("Alarms", str(raised), note, reverse("monitor:performance"), "bad" if raised else "good")


def worker(reading: Reading) -> Tile:
    """Alive is who was heard: a process that runs and does nothing is not."""
    heard = reading.stores.worker_heard_at
    there = len(reading.of_role("worker"))
    place = reverse("monitor:performance")
    if heard is not None and time.time() - heard < WORKER_SILENT:
        return Tile("Worker", "alive", f"heard {ago(datetime.fromtimestamp(heard, UTC))}", place, "good")
    return Tile("Worker", "silent", f"{there} process{'es' * (there != 1)} there, none was heard", place, "bad")


def beat() -> Tile:
    place = reverse("admin:django_celery_beat_periodictask_changelist")
    last = PeriodicTask.objects.filter(enabled=True, last_run_at__isnull=False).order_by("-last_run_at").first()
    if last is None:
        return Tile("Scheduled tasks", "never run", "is the beat there?", place, "bad")
    late = timezone.now() - last.last_run_at > BEAT_SILENT
    return Tile("Scheduled tasks", "late" if late else "on time", f"last sent {ago(last.last_run_at)}", place,
                "bad" if late else "good")  # fmt: skip


def cleanup() -> Tile:
    place = reverse("admin:monitor_cleanup_changelist")
    last = Cleanup.objects.first()
    if last is None:
        return Tile("Last cleanup", "not yet", "the first one is tonight", place)
    hidden = sum(int(count) for count in last.hidden.values())
    late = timezone.now() - last.began_at > NIGHT
    return Tile("Last cleanup", ago(last.began_at), f"{hidden} hidden", place, "wait" if late else "good")


def backup() -> Tile:
    """Of this machine: whoever backs up elsewhere knows."""
    last = max(backups(), default=None)
    if last is None:
        return Tile("Last backup", "none", "`nitro backup` makes one", "", "wait")
    late = timezone.now() - last > OLD_BACKUP
    return Tile("Last backup", ago(last), f"{last:%Y-%m-%d %H:%M}", "", "wait" if late else "good")


def backups() -> Iterator[datetime]:
    """When the last one was made, by the note that it leaves, and when those were that Nitro made by itself."""
    home = Path(settings.NITRO_HOME)
    for path in (home / "last_backup", *(home / "backups").glob("*.nitro")):
        try:
            yield datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:
            continue


def ago(when: datetime) -> str:
    """A length of time in its largest unit."""
    return f"{timesince(when, depth=1)} ago"
