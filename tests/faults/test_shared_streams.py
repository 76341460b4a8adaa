"""Equal questions over `/v1/` at two real processes: one generation, streamed to all, whatever becomes of the first."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, count_of, numbered
from tests.faults.proxy import Mode
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MODEL, LONG = "openai:tokens-60", "openai:tokens-2000"  # three seconds, and a hundred
PATIENCE = 60.0
BROKEN = (aiohttp.ClientError, OSError)


class Stream:
    """One streamed answer of `/v1/`. `chunks` are its pieces with the time of their arrival."""

    def __init__(self, house: House, web: WebProcess, text: str, model: str = MODEL) -> None:
        self._url = f"http://127.0.0.1:{web.port}/v1/chat/completions"
        self._headers = {"Authorization": f"Bearer {house.key}"}
        self._body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": True}
        self.chunks: list[tuple[float, str]] = []
        self.finish_reason = ""
        self.problem = ""

    async def __aenter__(self) -> Self:
        self.reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.chunks)

    async def _read(self) -> None:
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, read_bufsize=1 << 20) as http,
                http.post(self._url, json=self._body) as answer,
            ):
                async for line in answer.content:
                    self._take(line)
        except BROKEN as error:
            self.problem = type(error).__name__

    def _take(self, line: bytes) -> None:
        if not line.startswith(b"data: {"):
            return
        told = json.loads(line[6:])
        self.problem = str(told.get("error", ""))
        for choice in told.get("choices", []):
            if text := choice["delta"].get("content"):
                self.chunks.append((time.monotonic(), text))
            self.finish_reason = choice["finish_reason"] or self.finish_reason

    async def leave(self) -> None:
        """Close the connection, wherever the answer is."""
        self.reading.cancel()
        await asyncio.wait([self.reading])

    async def whole(self) -> str:
        """The text, once it has ended well."""
        await asyncio.wait_for(asyncio.shield(self.reading), PATIENCE)
        assert (self.problem, self.finish_reason) == ("", "stop")
        return self.text


async def started(stack: AsyncExitStack, house: House, web: WebProcess, text: str, model: str = MODEL) -> Stream:
    """One whose first words have come."""
    stream = await stack.enter_async_context(Stream(house, web, text, model))
    await until(lambda: stream.chunks)
    return stream


async def test_twenty_equal_streams_of_two_processes_cost_one_generation(
    house: House, pair: list[WebProcess], measured: Measured
) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(Stream(house, pair[n % 2], "The same")) for n in range(20)]
        texts = await asyncio.gather(*(stream.whole() for stream in streams))
    assert set(texts) == {numbered(1, 60)}
    assert house.model_stats()["started"] - before == 1
    first, last = (max(stream.chunks[at][0] for stream in streams) for at in (0, -1))
    measured("last first words, before the end", f"{last - first:.2f} s")
    assert min(len(stream.chunks) for stream in streams) > 5
    assert last - first > 1.0  # all heard the beginning long before the end


async def test_a_chat_follows_a_stream_of_another_process(house: House, pair: list[WebProcess]) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        stream = await started(stack, house, pair[0], "A chat, too")
        talk = await stack.enter_async_context(Talk(house, pair[1], house.new_conversation()))
        accepted = await talk.ask("A chat, too", model=MODEL)
        end = await talk.done(accepted["turn"])
        assert (talk.text(accepted["turn"]), end["finish_reason"]) == (numbered(1, 60), "stop")
        assert await stream.whole() == numbered(1, 60)
    assert house.model_stats()["started"] - before == 1


async def test_a_stream_follows_a_chat_of_another_process(house: House, pair: list[WebProcess]) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        talk = await stack.enter_async_context(Talk(house, pair[0], house.new_conversation()))
        accepted = await talk.ask("A stream, too", model=MODEL)
        await until(lambda: talk.last_seq(accepted["turn"]))
        stream = await started(stack, house, pair[1], "A stream, too")
        assert not talk.of("done")
        assert await stream.whole() == numbered(1, 60)
        await talk.done(accepted["turn"])
        assert talk.text(accepted["turn"]) == numbered(1, 60)
    assert house.model_stats()["started"] - before == 1


async def test_if_the_first_client_leaves_the_others_hear_the_rest(house: House, pair: list[WebProcess]) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        leading = await started(stack, house, pair[0], "Leave it")
        following = [await started(stack, house, web, "Leave it") for web in (pair[1], pair[1], pair[0])]
        await leading.leave()
        assert {await stream.whole() for stream in following} == {numbered(1, 60)}
    assert house.model_stats()["started"] - before == 1


async def test_if_all_clients_of_the_first_process_leave_the_other_hears_the_rest(
    house: House, pair: list[WebProcess]
) -> None:
    before = house.model_stats()["started"]
    async with AsyncExitStack() as stack:
        leading = await started(stack, house, pair[0], "Alone there")
        following = await started(stack, house, pair[1], "Alone there")
        await leading.leave()
        assert await following.whole() == numbered(1, 60)
    assert house.model_stats()["started"] - before == 1


async def test_when_everybody_has_left_the_model_is_free(house: House, pair: list[WebProcess]) -> None:
    before = house.model_stats()["disconnected"]
    async with AsyncExitStack() as stack:
        streams = [await started(stack, house, web, "Nobody stays", LONG) for web in pair]
        for stream in streams:
            await stream.leave()
        await until(lambda: not house.model_stats()["open_streams"], what="the model is free")
    assert house.model_stats()["disconnected"] - before == 1


async def test_if_its_process_is_killed_the_others_go_on_without_a_gap(
    house: House, pair: list[WebProcess], measured: Measured
) -> None:
    async with AsyncExitStack() as stack:
        await started(stack, house, pair[0], "Kill it")
        following = [await started(stack, house, pair[1], "Kill it") for _ in range(3)]
        pair[0].kill()
        began = time.monotonic()
        texts = {await stream.whole() for stream in following}
        measured("whole after", f"{time.monotonic() - began:.2f} s")
    assert len(texts) == 1
    assert count_of(texts.pop()) >= 60  # the stand-in says sixty more when it goes on


@pytest.mark.parametrize("mode", ["refuse", "hang"])
async def test_if_redis_goes_away_everybody_hears_all_of_it(house: House, pair: list[WebProcess], mode: Mode) -> None:
    async with AsyncExitStack() as stack:
        streams = [await started(stack, house, web, f"Without {mode}") for web in pair]
        house.redis_proxy.set(mode)
        assert await streams[0].whole() == numbered(1, 60)
        assert count_of(await streams[1].whole()) >= 60
