"""Whether a Nitro runs with this data folder, as its supervisor has noted there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Running:
    """Where the page and the built-in model of a running Nitro are; `model_url` is empty where it runs none."""

    pid: int
    url: str = ""
    model_url: str = ""


def running(home: Path) -> Running | None:
    """The Nitro that runs with this data folder; None where none does or its note is unreadable."""
    try:
        note = json.loads((home / "up.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    pid = note.get("pid") if isinstance(note, dict) else None
    if not (isinstance(pid, int) and pid > 0 and psutil.pid_exists(pid)):
        return None
    return Running(pid, str(note.get("url", "")), str(note.get("model_url", "")))
