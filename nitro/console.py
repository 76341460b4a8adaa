"""One log for all processes: each line begins with the name of the process it comes from."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import TextIO

COLOURS = {"postgres": 34, "redis": 31, "model": 35, "worker": 33, "start": 36}
WEB_COLOUR = 32
WIDTH = 8
NOTHING = r"(?!)"  # a pattern that never matches
LONGEST = 64 * 1024  # bytes of one line; a longer one is cut in pieces


class Console:
    """Where the lines go. Colours only where a person looks on."""

    def __init__(self, stream: TextIO | None = None, *, as_json: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.as_json = as_json
        self.coloured = self.stream.isatty()

    def line(self, name: str, text: str) -> None:
        """One line of a process."""
        if self.as_json:
            # Ours are objects already; those of PostgreSQL, Redis and the model are put into one.
            self.say(text if text.startswith('{"time"') else json.dumps({"process": name, "message": text}))
            return
        label = f"{name:<{WIDTH}} |"
        if self.coloured:
            label = f"\x1b[{COLOURS.get(name, WEB_COLOUR)}m{label}\x1b[0m"
        self.say(f"{label} {text}")

    def say(self, text: str) -> None:
        """A line of the supervisor itself. A reader who has gone away does not stop the server."""
        try:
            print(text, file=self.stream, flush=True)
        except (BrokenPipeError, ValueError):
            self.stream = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115

    async def follow(self, name: str, output: asyncio.StreamReader | None, noise: str = NOTHING) -> str:
        """Print what a process writes, line by line, until it ends; not the lines in which `noise` is found.

        Returns the last of what it said.
        """
        dull = re.compile(noise)
        rest = recent = b""
        while output and (piece := await output.read(LONGEST)):
            recent = (recent + piece)[-LONGEST:]
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > LONGEST:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._show(name, line, dull)
        self._show(name, rest, dull)
        return recent.decode("utf-8", "replace")

    def _show(self, name: str, line: bytes, dull: re.Pattern[str]) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if text and not dull.search(text):
            self.line(name, text)
