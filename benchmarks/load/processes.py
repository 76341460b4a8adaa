"""What each process of an installation takes while people use it: memory (PSS) and processor time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

MEGABYTE = 1e6
OUTSIDE = frozenset({"stand-in", "people"})  # what is no part of Nitro


@dataclass(frozen=True, slots=True)
class Taken:
    """What one part takes at a moment, with its children: proportional memory in MB, and seconds of CPU so far."""

    memory: float
    cpu: float


def look(parts: Mapping[str, int]) -> dict[str, Taken]:
    """All parts, by name; `parts` holds their process ids. One that has gone is left out."""
    found = {}
    for name, pid in parts.items():
        with suppress(psutil.NoSuchProcess):
            found[name] = _taken(psutil.Process(pid), children=name != "people")
    return found


def _taken(process: psutil.Process, *, children: bool) -> Taken:
    memory = cpu = 0.0
    for one in [process, *(process.children(recursive=True) if children else [])]:
        with suppress(psutil.NoSuchProcess):
            memory += one.memory_full_info().pss / MEGABYTE
            times = one.cpu_times()
            # Children that have ended are counted by their parent, such as PostgreSQL's.
            cpu += times.user + times.system + times.children_user + times.children_system
    return Taken(memory, cpu)


@dataclass
class Watch:
    """Sees the greatest memory of each part, and what CPU it used since the first look."""

    parts: Mapping[str, int]
    first: Mapping[str, Taken]
    last: Mapping[str, Taken]
    memory: dict[str, float]

    @classmethod
    def begin(cls, parts: Mapping[str, int]) -> Watch:
        """Look for the first time."""
        now = look(parts)
        return cls(parts, now, now, {name: taken.memory for name, taken in now.items()})

    def again(self) -> None:
        """Look once more."""
        self.last = look(self.parts)
        for name, taken in self.last.items():
            self.memory[name] = max(self.memory.get(name, 0.0), taken.memory)

    def told(self, seconds: float) -> list[dict[str, object]]:
        """A row for each part: its greatest memory, and how many cores it kept busy."""
        return [
            {
                "name": name,
                "nitro": name not in OUTSIDE,
                "pss_mb": round(self.memory[name], 1),
                "cores": round((self.last[name].cpu - self.first[name].cpu) / seconds, 3),
            }
            for name in self.first
            if name in self.last
        ]
