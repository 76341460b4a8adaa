"""One kept process: its lines, its returns and its end, with shell scripts as stand-ins."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from nitro.console import Console
from nitro.embedded.errors import ServiceError
from nitro.keeper import Keeper, describe, pause
from nitro.process import Program


class Script:
    """A stand-in service that runs a line of shell."""

    def __init__(self, line: str, *, grace: float = 5.0, noise: str = r"(?!)") -> None:
        self.name = "script"
        self.line = line
        self.grace = grace
        self.noise = noise
        self.starts = 0
        self.hopeless = ""
        self.repairs = 0

    def prepare(self) -> None:
        if self.hopeless:
            raise ServiceError(self.hopeless)

    def repair(self, last_words: str) -> str:
        self.repairs += 1
        return "repaired"

    def program(self) -> Program:
        self.starts += 1
        return Program(["/bin/sh", "-c", self.line], grace=self.grace, noise=self.noise)


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nitro.keeper.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("nitro.keeper.LONGEST_PAUSE", 0.02)


async def printed(output: io.StringIO, text: str, times: int = 1) -> None:
    while output.getvalue().count(text) < times:
        await asyncio.sleep(0.01)


async def test_each_line_carries_the_name_of_its_process(output: io.StringIO) -> None:
    keeper = Keeper(Script("echo one; echo two >&2; exec sleep 60"), Console(output))
    keeper.start()
    await printed(output, "script   | two")
    assert "script   | one\n" in output.getvalue()
    await keeper.stop()


async def test_lines_that_nobody_needs_are_left_out(output: io.StringIO) -> None:
    keeper = Keeper(Script("echo dull; echo bright; exec sleep 60", noise="dull"), Console(output))
    keeper.start()
    await printed(output, "bright")
    assert "dull" not in output.getvalue()
    await keeper.stop()


async def test_what_dies_comes_back(output: io.StringIO) -> None:
    keeper = Keeper(Script("echo here; exit 3"), Console(output))
    keeper.start()
    await printed(output, "here", times=3)
    assert "ended with status 3; starting it again" in output.getvalue()
    await keeper.stop()


async def test_a_killed_process_is_told_by_the_name_of_the_signal(output: io.StringIO) -> None:
    keeper = Keeper(Script("kill -9 $$"), Console(output))
    keeper.start()
    await printed(output, "was killed by SIGKILL")
    await keeper.stop()


async def test_what_keeps_dying_is_repaired_once_in_three(output: io.StringIO) -> None:
    script = Script("exit 1")
    keeper = Keeper(script, Console(output))
    keeper.start()
    await printed(output, "| repaired", times=2)
    await keeper.stop()
    assert keeper.deaths >= 3 * script.repairs


async def test_a_hopeless_start_is_said_and_tried_again(output: io.StringIO) -> None:
    script = Script("echo here; exec sleep 60")
    script.hopeless = "No room on the disk."
    keeper = Keeper(script, Console(output))
    keeper.start()
    await printed(output, "No room on the disk.", times=2)
    script.hopeless = ""
    await printed(output, "| here")
    await keeper.stop()


async def test_after_the_end_nothing_comes_back(output: io.StringIO) -> None:
    script = Script("echo here; exec sleep 60")
    keeper = Keeper(script, Console(output))
    keeper.start()
    await printed(output, "here")
    await keeper.stop()
    assert keeper.child is None
    assert output.getvalue().count("here") == 1


async def test_what_ignores_the_end_is_killed_after_its_grace(output: io.StringIO) -> None:
    keeper = Keeper(Script("trap '' TERM; echo here; while :; do sleep 0.1; done", grace=0.2), Console(output))
    keeper.start()
    await printed(output, "here")
    await keeper.stop()
    assert "did not stop within 0.2 s and was killed" in output.getvalue()


async def test_a_keeper_that_never_started_can_be_stopped(output: io.StringIO) -> None:
    await Keeper(Script("true"), Console(output)).stop()


async def test_bytes_that_are_no_text_and_lines_without_end_are_printed(output: io.StringIO) -> None:
    line = f"{sys.executable} -c 'import os; os.write(1, bytes([255, 10]) + b\"x\" * 200000)'; echo; exec sleep 60"
    keeper = Keeper(Script(line), Console(output))
    keeper.start()
    await printed(output, "x", times=200_000)
    await keeper.stop()


def test_the_pauses_grow_and_end_at_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nitro.keeper.FIRST_PAUSE", 0.2)
    monkeypatch.setattr("nitro.keeper.LONGEST_PAUSE", 10.0)
    assert [pause(deaths) for deaths in range(1, 9)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_the_end_of_a_process_in_words() -> None:
    assert describe(-15) == "was killed by SIGTERM"
    assert describe(2) == "ended with status 2"
