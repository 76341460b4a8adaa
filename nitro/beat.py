"""The beat: sends periodic tasks when they are due, from one process at a time however many there are."""

from __future__ import annotations

import logging
import threading
from typing import Any

import psycopg
from celery import Celery
from celery.beat import Service
from django.conf import settings
from django.db import connections
from django_celery_beat.schedulers import DatabaseScheduler

logger = logging.getLogger(__name__)
WAKE_SECONDS = 5
RETRY_SECONDS = 5.0
LOCK_NUMBER = 0x62656174  # "beat"; the number of PostgreSQL's advisory lock


class LockLost(Exception):
    """Another process may be beating by now."""


class Lock:
    """PostgreSQL's advisory lock on a connection of its own: the server frees it with the process that had it."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def take(self) -> bool:
        """Try to have it. Raises `psycopg.Error` where the database does not answer."""
        self.release()
        connection = psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5)
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_NUMBER]).fetchone()
        if row and row[0]:
            self._connection = connection
            return True
        connection.close()
        return False

    def check(self) -> None:
        """Raises `LockLost` where the connection, and the lock with it, is gone."""
        try:
            if self._connection is None:
                raise LockLost
            self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise LockLost from error

    def release(self) -> None:
        """Let another process have it; harmless to repeat."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """The schedule as the admin shows it. Every task that was sent is noted at once, for whoever beats next."""

    lock: Lock | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, sync_every_tasks=1, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; only with the lock."""
        if self.lock is not None:
            self.lock.check()
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        """Put into the database what is not there yet: what an administrator has changed stays as it is."""
        known = set(self.Model.objects.filter(name__in=list(mapping)).values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in known})


class Beat(threading.Thread):
    """Beats whenever no other process does. A database that is away for a while does not end it."""

    def __init__(self, app: Celery) -> None:
        super().__init__(name="beat", daemon=True)
        self.app = app
        self.lock = Lock()
        self.ending = threading.Event()
        self.service: Any = None

    def run(self) -> None:
        """Beat until told to stop."""
        self.app.set_current()
        while not self.ending.is_set():
            try:
                if self.lock.take():
                    self.beat()
            except (LockLost, psycopg.Error) as error:
                logger.info("The beat pauses: %s", type(error).__name__)
            except Exception:  # a defect in one task's schedule must not end all of them
                logger.exception("The beat stumbled and goes on in %g s.", RETRY_SECONDS)
            finally:
                self.lock.release()
                connections.close_all()
            self.ending.wait(RETRY_SECONDS)

    def beat(self) -> None:
        """Beat as long as the lock is ours."""
        scheduler = type("Locked", (Scheduler,), {"lock": self.lock})
        self.service = Service(self.app, max_interval=WAKE_SECONDS, scheduler_cls=scheduler)
        if not self.ending.is_set():
            self.service.start()

    def stop(self) -> None:
        """Beat no more."""
        self.ending.set()
        if self.service is not None:
            self.service.stop()
