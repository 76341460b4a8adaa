"""The races over `/v1/chat/completions`: first words, loss, processor time and speed, as programs see them."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self, cast

import orjson

from benchmarks.household import Household
from benchmarks.reading import percentile

PATIENCE = 180.0
SEED = 7
PATH = "/v1/chat/completions"
Figures = dict[str, float]
LINE = re.compile(rb"^data: (\{.*\})\s*$", re.MULTILINE)
SIZE = re.compile(rb"([0-9a-fA-F]+)\r\n")


@dataclass
class Stream(asyncio.Protocol):
    """One open connection and the answer to one question on it; read when the race is over."""

    transport: asyncio.Transport = field(init=False)
    asked: float = 0.0
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    ended: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @classmethod
    async def connect(cls, port: int) -> Self:
        _, stream = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.arrivals.append((time.perf_counter(), data))
        if data.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def ask(self, key: str) -> None:
        body = orjson.dumps(
            {
                "model": "openai",
                "stream": True,
                "cache": False,
                "messages": [{"role": "user", "content": "Tell me all the numbers."}],
            }
        )
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.arrivals.clear()
        self.ended = asyncio.get_running_loop().create_future()
        self.asked = time.perf_counter()
        self.transport.write(head.encode() + body)

    def first(self) -> float:
        """Seconds to the first word."""
        before = b""
        for when, data in self.arrivals:
            before += data
            if b'"content":"t' in before:
                return when - self.asked
        return float("inf")

    def text(self) -> str:
        """The words, in the order in which they came."""
        found: list[dict[str, Any]] = [orjson.loads(raw) for raw in LINE.findall(body_of(self.arrivals))]
        deltas = [chunk["choices"][0]["delta"] for chunk in found if chunk.get("choices")]
        return "".join(delta.get("content") or "" for delta in deltas)

    def is_whole(self, tokens: int) -> bool:
        return self.text().split() == [f"t{number:05d}" for number in range(1, tokens + 1)]


def body_of(arrivals: Sequence[tuple[float, bytes]]) -> bytes:
    """The body, without head and sizes of chunks (RFC 9112, section 7.1)."""
    raw = b"".join(data for _, data in arrivals).partition(b"\r\n\r\n")[2]
    parts, at = [], 0
    while size := SIZE.match(raw, at):
        end = size.end() + int(size[1], 16)
        parts.append(raw[size.end() : end])
        at = end + 2
    return b"".join(parts)


async def crowd(house: Household, *, count: int, tokens: int) -> Figures:
    """Streams that begin at random within one second, each with a person and a key of its own."""
    keys = await asyncio.to_thread(house.keys, count)
    streams = [await Stream.connect(house.port) for _ in keys]
    await asyncio.sleep(1.0)
    dice = random.Random(SEED)
    before, began = house.cpu(), time.perf_counter()
    await asyncio.gather(*(_late(s, key, dice.uniform(0, 1)) for s, key in zip(streams, keys, strict=True)))
    await asyncio.wait([stream.ended for stream in streams], timeout=PATIENCE)
    seconds, cpu = time.perf_counter() - began, house.cpu() - before
    first = [stream.first() * 1000 for stream in streams]
    whole = sum(stream.is_whole(tokens) for stream in streams)
    for stream in streams:
        stream.transport.close()
    thousands = tokens * count / 1000
    return {
        "first_p50_ms": median(first),
        "first_p95_ms": percentile(first, 0.95),
        "complete": float(whole),
        "broken": float(count - whole),
        "cpu_server_per_1000": cpu.server / thousands,
        "cpu_web_per_1000": cpu.web / thousands,
        "pieces_per_stream": sum(len(stream.arrivals) for stream in streams) / count,
        "machine_busy": cpu.everybody / seconds,
    }


async def _late(stream: Stream, key: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    stream.ask(key)


async def one(house: Household, *, pairs: int) -> Figures:
    """How much later the first word comes than straight from the model server, pair by pair."""
    (key,) = await asyncio.to_thread(house.keys, 1)
    through: list[float] = []
    straight: list[float] = []
    stream, direct = await Stream.connect(house.port), await Stream.connect(house.model_port)
    for _ in range(pairs):
        for line, firsts in ((stream, through), (direct, straight)):
            line.ask(key)
            await asyncio.wait_for(line.ended, PATIENCE)
            firsts.append(line.first() * 1000)
        await asyncio.sleep(0.3)
    later = [a - b for a, b in zip(through, straight, strict=True)]
    return {
        "later_p50_ms": median(later),
        "later_p95_ms": percentile(later, 0.95),
        "nitro_p50_ms": median(through),
        "straight_p50_ms": median(straight),
    }


async def full_speed(house: Household, *, tokens: int) -> Figures:
    """One stream with a model that writes as fast as it can."""
    (key,) = await asyncio.to_thread(house.keys, 1)
    stream = await Stream.connect(house.port)
    before = house.cpu()
    stream.ask(key)
    await asyncio.wait_for(stream.ended, PATIENCE)
    cpu = house.cpu() - before
    return {
        "tokens_per_second": tokens / (stream.arrivals[-1][0] - stream.asked),
        "broken": float(not stream.is_whole(tokens)),
        "cpu_server_per_1000": cpu.server / tokens * 1000,
    }


async def warm_up(house: Household) -> None:
    """A few answers that count for nothing."""
    keys = await asyncio.to_thread(house.keys, 8)
    for key in keys:
        stream = await Stream.connect(house.port)
        stream.ask(key)
        await asyncio.wait_for(stream.ended, PATIENCE)
        stream.transport.close()
