"""A thread in every process that looks for alarms: the silence of the worker has to be noticed by somebody else."""

from __future__ import annotations

import logging
import threading

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from apps.monitor import alerting, notices

logger = logging.getLogger(__name__)
SECONDS = 10.0


class Watchman(threading.Thread):
    """Asks every ten seconds; one process among all then really looks, twice a minute."""

    def __init__(self) -> None:
        super().__init__(name="watchman", daemon=True)
        self.ending = threading.Event()

    def run(self) -> None:
        """Look until the process ends."""
        while not self.ending.wait(SECONDS):
            self.once()

    def once(self) -> None:
        """One look. A database that is away ends neither this thread nor the process."""
        try:
            alerting.look(timezone.now())
            notices.send(timezone.now())
        except DatabaseError as error:
            logger.info("Nobody looks for alarms: %s", type(error).__name__)
        except Exception:  # a defect in a rule must not end the watch
            logger.exception("The watch for alarms stumbled and goes on.")
        finally:
            connection.close()

    def stop(self) -> None:
        """Look no more."""
        self.ending.set()
