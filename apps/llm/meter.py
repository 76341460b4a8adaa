"""How a download looks in a terminal: a bar with size, rate and the time that remains."""

from __future__ import annotations

from collections import deque

from apps.core.machine import in_words
from apps.llm.services import Progress

WINDOW = 10.0  # seconds over which the rate is taken
BAR = 24
STEP = 10  # per cent between two lines where nobody looks on


class Meter:
    """Remembers the last seconds of one download. Times are seconds of any clock that never goes back."""

    def __init__(self, name: str) -> None:
        self.name = name.rpartition("/")[2] if "://" in name else name
        self._seen: deque[tuple[float, int]] = deque()
        self._told = ""

    def take(self, progress: Progress, now: float) -> None:
        """Note how far it is; a total that grows does not count as speed."""
        self._seen.append((now, progress.completed))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes per second over the last seconds, 0 where that is not known yet."""
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (last - first)) if last > first else 0.0

    def bar(self, progress: Progress, width: int) -> str:
        """One line for a terminal of this width."""
        if not progress.total:
            return f"{self.name}  {progress.status}"[: width - 1]
        share = min(1.0, progress.completed / progress.total)
        full = int(share * BAR)
        parts = [
            self.name,
            f"[{'#' * full}{'-' * (BAR - full)}] {int(100 * share):3d} %",
            f"{in_words(progress.completed)} of {in_words(progress.total)}",
        ]
        if progress.completed >= progress.total:
            parts.append(progress.status)
        elif self.rate:
            left = (progress.total - progress.completed) / self.rate
            parts += [f"{in_words(self.rate)}/s", f"{duration(left)} left"]
        return "  ".join(parts)[: width - 1]

    def news(self, progress: Progress) -> str:
        """A line where something new is to be said, for logs and pipes; else nothing."""
        share = 100 * progress.completed // progress.total if progress.total else 0
        step = f"{share // STEP * STEP} %" if progress.total and share < 100 else progress.status
        if step == self._told:
            return ""
        self._told = step
        return f"{self.name}  {step}"


def duration(seconds: float) -> str:
    """A time as people say it: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
