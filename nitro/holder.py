"""Who holds a data folder: one `nitro up` at a time."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from nitro.embedded.errors import ServiceError


class Holder:
    """The lock of a data folder and the note beside it that says who holds it. The kernel frees it with the process."""

    def __init__(self, home: Path) -> None:
        self.note = home / "up.json"
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise ServiceError(self._taken()) from error
        self._descriptor = descriptor
        self.write(pid=os.getpid())

    def write(self, **facts: Any) -> None:
        """Keep what others may want to know: pid, url, model_url."""
        aside = self.note.with_suffix(".new")
        aside.write_text(json.dumps(facts), encoding="utf-8")
        aside.chmod(0o600)
        aside.rename(self.note)

    def release(self) -> None:
        """Give the folder back."""
        self.note.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _taken(self) -> str:
        facts = read_note(self.home)
        who = f"pid {facts['pid']}" if "pid" in facts else "another process"
        where = f", {facts['url']}" if facts.get("url") else ""
        return (
            f"Nitro already runs with the data folder {self.home} ({who}{where}). "
            "Stop it first, or choose another folder with NITRO_HOME."
        )


def read_note(home: Path) -> dict[str, Any]:
    """What the running `nitro up` has left; empty where none runs or the note is unreadable."""
    try:
        facts = json.loads((home / "up.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
