"""Holds a job while an engine listens: its lease is renewed beside the work, however long one answer takes."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import DatabaseError, connection

from apps.core import tracing
from apps.voice import services

logger = logging.getLogger(__name__)
BEAT_SECONDS = 5.0


class Hold:
    """A worker's hold on a recording, from the beginning of the block to its end; `lost` once it is somebody else's."""

    def __init__(self, *, recording_id: UUID, owner: str) -> None:
        self.recording_id = recording_id
        self.owner = owner
        self.lost = False
        self._over = threading.Event()
        self._name = tracing.current()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        tracing.go_on(self._name)
        try:
            while not self.lost and not self._over.wait(BEAT_SECONDS):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            self.lost = not services.recording_hold(recording_id=self.recording_id, owner=self.owner)
        except DatabaseError as error:
            logger.warning("The lease on a recording could not be renewed: %s", error)
