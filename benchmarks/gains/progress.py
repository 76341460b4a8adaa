"""A bar on the terminal while a run goes on; where there is no terminal, nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from benchmarks.gains.scenario import Scenario

WIDTH = 30


class Progress:
    """Told of each pair. The bar moves by scenarios, and within one by its pairs."""

    def __init__(self, scenarios: Sequence[Scenario], stream: TextIO) -> None:
        self.names = [one.name for one in scenarios]
        self.stream = stream
        self.shown = stream.isatty()
        self.began = time.monotonic()

    def __call__(self, one: Scenario, pairs: int) -> None:
        """So many pairs of this scenario are there."""
        if not self.shown:
            return
        at, total = self.names.index(one.name), len(self.names)
        filled = round(WIDTH * (at + pairs / one.pairs) / total)
        gone = int(time.monotonic() - self.began)
        bar = "#" * filled + "-" * (WIDTH - filled)
        text = f"[{bar}] {at + 1}/{total} {one.name}, pair {pairs}/{one.pairs}, {gone // 60}:{gone % 60:02}"
        self.stream.write(f"\r{text[:100]:<100}")
        self.stream.flush()

    def say(self, line: str) -> None:
        """A line of words, where no scenario is being measured."""
        if self.shown:
            self.stream.write(f"\r{line[:100]:<100}")
            self.stream.flush()

    def end(self) -> None:
        """Leave the line to whoever writes next."""
        if self.shown:
            self.stream.write("\r" + " " * 100 + "\r")
            self.stream.flush()
