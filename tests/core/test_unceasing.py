"""Work that never ends by itself goes on after a defect."""

from __future__ import annotations

import asyncio

import pytest

from apps.core import unceasing


async def test_work_that_stumbles_is_told_and_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unceasing, "AGAIN_SECONDS", 0.0)
    tries: list[int] = []
    twice = asyncio.Event()

    async def stumble() -> None:
        tries.append(len(tries))
        if len(tries) == 2:
            twice.set()
            await asyncio.Event().wait()
        raise ValueError("a defect")

    working = asyncio.ensure_future(unceasing.unceasing(stumble, "The work"))
    async with asyncio.timeout(10):
        await twice.wait()
    working.cancel()
    assert "The work stumbled and begins anew" in caplog.text
    assert "a defect" in caplog.text
