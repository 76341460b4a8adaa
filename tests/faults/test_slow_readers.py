"""Readers who hardly read: they cost little, nobody else notices, and whoever reads nothing is let go."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from collections.abc import AsyncIterator

import pytest

from benchmarks.standin import StandIn
from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, count_of
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
READERS = 5
MEGABYTES = 2.0  # R13: what a slow reader may cost
TOKENS = 100_000
ANSWERS = 8  # 0.7 MB each: whoever keeps all of them for a reader keeps too much
STALL_SECONDS = 30.0


@pytest.fixture
async def fast(house: House) -> AsyncIterator[WebProcess]:
    """A web process whose model writes as fast as it can."""
    async with StandIn(tokens=TOKENS) as model:
        web = WebProcess(house, "web3", OPENAI_BASE_URL=model.url)
        web.start()
        await asyncio.to_thread(web.wait)
        yield web
        web.close()


class SlowReader:
    """A raw websocket client whose kernel buffers little and who reads when it likes."""

    def __init__(self, web: WebProcess, house: House, chat: str) -> None:
        self.wire = socket.socket()
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.wire.connect(("127.0.0.1", web.port))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET /ws/chat/{chat}/ HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Authorization: Bearer {house.key}"]
        self.wire.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in self.wire.recv(4096)

    def say(self, **frame: object) -> None:
        """Send a text frame, masked with zeros."""
        payload = json.dumps(frame).encode()
        assert len(payload) < 126
        self.wire.sendall(bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload)

    async def read(self, bytes_per_second: int, seconds: float) -> None:
        """Read slowly for a while; a connection that was cut is the end of it."""
        self.wire.setblocking(False)
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            try:
                self.wire.recv(bytes_per_second)
            except BlockingIOError:
                pass
            except OSError:
                return
            await asyncio.sleep(1)


async def answer(house: House, web: WebProcess, chat: str) -> tuple[str, float]:
    """Have a long answer written and read it; returns its turn, and how long it took."""
    async with Talk(house, web, chat) as talk:
        began = time.monotonic()
        accepted = await talk.ask()
        await talk.done(accepted["turn"], 60)
        took = time.monotonic() - began
        assert count_of(talk.text(accepted["turn"])) == TOKENS
    return accepted["turn"], took


async def test_slow_readers_cost_little_and_nobody_else_notices(
    house: House, fast: WebProcess, measured: Measured
) -> None:
    chat = house.new_conversation()
    turns = [await answer(house, fast, chat) for _ in range(ANSWERS)]
    alone = max(took for _, took in turns)
    before = fast.megabytes()
    readers = [await asyncio.to_thread(SlowReader, fast, house, chat) for _ in range(READERS)]
    for reader in readers:
        for turn, _ in turns:
            reader.say(type="attach", turn=turn, after=0)
    reading = [asyncio.ensure_future(reader.read(1000, 8)) for reader in readers]
    await asyncio.sleep(5)
    each = (fast.megabytes() - before) / READERS
    _, beside = await answer(house, fast, house.new_conversation())
    await asyncio.gather(*reading)
    measured("each slow reader cost", f"{each:.2f} MB; answers took {alone:.2f} s alone and {beside:.2f} s beside them")
    assert each < MEGABYTES
    assert beside < 3 * alone + 2
    for reader in readers:
        reader.wire.close()


async def test_a_reader_who_reads_nothing_is_let_go_and_finds_everything_later(
    house: House, fast: WebProcess, measured: Measured
) -> None:
    chat = house.new_conversation()
    turn, _ = await answer(house, fast, chat)
    reader = await asyncio.to_thread(SlowReader, fast, house, chat)
    reader.say(type="attach", turn=turn, after=0)
    mine = reader.wire.getsockname()[1]
    took = await until(lambda: mine not in connected(fast), 2 * STALL_SECONDS)
    measured("let go after", f"{took:.1f} s")
    reader.wire.close()
    async with Talk(house, fast, chat) as talk:
        await talk.say(type="attach", turn=turn, after=0)
        await talk.done(turn)
        assert count_of(talk.text(turn)) == TOKENS


def connected(web: WebProcess) -> set[int]:
    """The ports of the clients that the process has a connection with."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    local = f"0100007F:{web.port:04X}"
    return {int(row[2].split(":")[1], 16) for row in rows if row[1] == local and row[3] == "01"}
