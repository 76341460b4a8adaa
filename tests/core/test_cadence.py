"""What gathers does so in step."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from apps.core.cadence import FEW, MANY, SOME, cadence, next_moment


def test_few_streams_do_not_wait_and_more_wait_longer() -> None:
    assert cadence(1) == cadence(FEW) == 0
    steps = [cadence(count) for count in (FEW + 1, SOME + 1, MANY + 1, 10_000)]
    assert 0 < steps[0] < steps[1] < steps[2] == steps[3]


@pytest.mark.parametrize("now", [12.3000001, 12.3456, 12.37, 12.3899])
async def test_whoever_waits_wakes_at_the_same_moment(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert now + await slept(now, monkeypatch) == pytest.approx(12.4)


@pytest.mark.parametrize("now", [12.3951, 12.39999])
async def test_a_timer_that_rang_before_its_time_waits_for_the_moment_after(
    now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert now + await slept(now, monkeypatch) == pytest.approx(12.5)


async def slept(now: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """For how long `next_moment(0.1)` sleeps when it is so late."""
    seconds: list[float] = []

    async def sleep(wanted: float) -> None:
        seconds.append(wanted)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        patch.setattr(asyncio, "get_running_loop", lambda: SimpleNamespace(time=lambda: now))
        await next_moment(0.1)
    return seconds[0]
