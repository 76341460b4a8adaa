"""Gives free memory back to the system.

glibc keeps what was freed between pieces in use: a process stays as large as it has ever been, and grows a little with
every greatest moment.
"""

from __future__ import annotations

import ctypes
import threading

SECONDS = 60.0


def give_back() -> bool:
    """Return free pages, which takes a few milliseconds beside Python's lock; False where nothing was returned.

    musl and macOS have no such function (malloc_trim(3)).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))


class Tidier(threading.Thread):
    """One per process, once a minute until it ends."""

    def __init__(self) -> None:
        super().__init__(name="heap", daemon=True)
        self.ending = threading.Event()

    def run(self) -> None:
        """Give back until the process ends."""
        while not self.ending.wait(SECONDS):
            give_back()

    def stop(self) -> None:
        """Let the process end."""
        self.ending.set()
