"""Confined work: what comes back, what it may not take, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from collections.abc import Callable, Iterator

import psutil
import pytest

from apps.core import confined
from apps.core.confined import Failed, TooLong, TooMuch, Warm

HERE = "tests.core.cells"
PATIENCE = 30.0


def call(name: str, *arguments: object, seconds: float = PATIENCE, memory_mb: int = 200) -> object:
    return confined.run(f"{HERE}.{name}", *arguments, seconds=seconds, memory_mb=memory_mb)


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


@pytest.fixture
def warm() -> Iterator[Warm]:
    process = Warm(memory_mb=200)
    yield process
    process.end()


def test_a_result_comes_back() -> None:
    assert call("add", 2, 3) == 5


def test_plain_values_of_all_kinds_come_back_as_they_were() -> None:
    value = {"a": [1, 2.5, None, True, ("x", b"\x00" * 3_000_000)], "ü": ""}
    assert call("echo", value) == value


def test_the_child_knows_neither_django_nor_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    found = call("known")
    assert isinstance(found, dict)
    assert found["modules"] == []
    assert "canary" not in str(found["environment"])


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(TooLong):
        call("spin", seconds=0.5)


def test_what_only_waits_is_ended_too() -> None:
    with pytest.raises(TooLong):
        call("sleep", 3600, seconds=0.5)


def test_a_bomb_does_not_get_its_memory() -> None:
    bomb = zlib.compress(bytes(400_000_000), 9)
    with pytest.raises(TooMuch):
        call("inflate", bomb, memory_mb=150)


def test_a_crash_is_a_sentence() -> None:
    with pytest.raises(Failed) as failure:
        call("crash")
    assert failure.value.reason == "exit status -11"


def test_what_a_function_says_itself_is_kept() -> None:
    with pytest.raises(Failed) as failure:
        call("refuse")
    said = failure.value
    assert (said.message, said.code, said.status, said.hint) == (
        "This is no picture.",
        "no_picture",
        400,
        "Send a picture.",
    )


def test_details_of_other_failures_stay_inside() -> None:
    with pytest.raises(Failed) as failure:
        call("stumble")
    assert failure.value.reason == "LookupError"
    assert "secret" not in failure.value.message


def test_objects_that_could_act_are_not_let_in() -> None:
    with pytest.raises(Failed):
        call("trap")


def test_printing_does_not_disturb_the_answer() -> None:
    assert call("chatter") == "done"


def test_no_process_is_left_behind() -> None:
    before = set(psutil.Process().children())
    call("add", 1, 1)
    with pytest.raises(TooLong):
        call("spin", seconds=0.3)
    assert set(psutil.Process().children()) <= before


def test_a_warm_process_is_the_same_for_the_next_call(warm: Warm) -> None:
    assert warm.run(f"{HERE}.remember", 1, seconds=PATIENCE) == [1]
    assert warm.run(f"{HERE}.remember", 2, seconds=PATIENCE) == [1, 2]
    assert warm.born == 1


def test_a_warm_process_survives_what_a_function_raises(warm: Warm) -> None:
    warm.run(f"{HERE}.remember", 1, seconds=PATIENCE)
    with pytest.raises(Failed):
        warm.run(f"{HERE}.refuse", seconds=PATIENCE)
    assert warm.run(f"{HERE}.remember", 2, seconds=PATIENCE) == [1, 2]


@pytest.mark.parametrize("end", ["spin", "crash"])
def test_after_its_death_a_warm_process_is_born_again(warm: Warm, end: str) -> None:
    warm.run(f"{HERE}.remember", 1, seconds=PATIENCE)
    with pytest.raises(confined.Confined):
        warm.run(f"{HERE}.{end}", seconds=0.5)
    assert warm.run(f"{HERE}.remember", 2, seconds=PATIENCE) == [2]
    assert warm.born == 2


def test_a_warm_process_that_somebody_killed_is_replaced(warm: Warm) -> None:
    pid = warm.run(f"{HERE}.process", seconds=PATIENCE)
    psutil.Process(pid).kill()
    assert until(lambda: warm.pid is None)
    assert warm.run(f"{HERE}.process", seconds=PATIENCE) != pid


def test_a_warm_process_ends_when_nobody_needs_it() -> None:
    warm = Warm(memory_mb=200, idle_seconds=0.1)
    pid = warm.run(f"{HERE}.process", seconds=PATIENCE)
    assert until(lambda: not psutil.pid_exists(pid))
    assert warm.run(f"{HERE}.add", 1, 1, seconds=PATIENCE) == 2
    warm.end()


async def test_calls_of_a_warm_process_come_one_after_the_other(warm: Warm) -> None:
    await asyncio.gather(*(warm.run_async(f"{HERE}.remember", n, seconds=PATIENCE) for n in range(10)))
    assert len(await warm.run_async(f"{HERE}.remember", 10, seconds=PATIENCE)) == 11
    assert warm.waiting == 0


def test_a_child_ends_with_its_parent() -> None:
    """The line is cut, as it is when the parent is killed, while the child is at work."""
    cell = confined.Cell(memory_mb=200)
    with pytest.raises(TooLong):
        cell.ask(f"{HERE}.sleep", (3600,), 0.5)
    os.close(cell.line.detach())
    assert cell.process.wait(PATIENCE) == 0
