"""The websocket door: limits, compression, back-pressure and an orderly goodbye."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from apps.chat.frames import TEXT_LIMIT
from nitro.process import wait_until
from nitro.web.sockets import INBOX_BYTES, MAX_MESSAGE, Inbox
from tests.nitro.test_web_requests import connections
from tests.nitro.web_process import Web, web_process


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with web_process(stall=2.0) as process:
        yield process


async def echo(web: Web, text: str, compression: str | None) -> str:
    async with websockets.connect(f"{web.socket_url}/echo", compression=compression) as wire:
        await wire.send(text)
        return str(await wire.recv())


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("size", [1, 31, 32, 125, 126, 65_535, 65_536, MAX_MESSAGE - 1])
async def test_text_comes_back_whole_at_the_edges_of_a_frame(web: Web, size: int, compression: str | None) -> None:
    text = ("aé€😀bcd" * size)[: size // 4 or 1]
    assert await echo(web, text, compression) == text


def test_the_longest_question_fits_however_its_letters_are_written() -> None:
    escaped = "\\u00e9" * TEXT_LIMIT
    assert len(escaped) + 1000 < MAX_MESSAGE


class Reading:
    """A transport that remembers whether it is being read."""

    def __init__(self) -> None:
        self.paused = False

    def pauseProducing(self) -> None:  # noqa: N802
        self.paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self.paused = False


def test_a_few_large_frames_pause_the_reading_like_many_small_ones() -> None:
    transport = Reading()
    inbox = Inbox(transport)
    for _ in range(2):
        inbox.put_nowait({"type": "websocket.receive", "text": "x" * (INBOX_BYTES // 2)})
    assert transport.paused
    inbox.get_nowait()
    assert not transport.paused


async def test_small_frames_arrive_compressed_and_in_order(web: Web) -> None:
    async with websockets.connect(f"{web.socket_url}/echo", compression="deflate") as wire:
        await wire.send("small 200")
        received = [str(await wire.recv()) for _ in range(200)]
    assert [f'"seq":{number},' in text for number, text in enumerate(received)] == [True] * 200


async def test_a_message_over_the_limit_closes_with_1009(web: Web) -> None:
    async with websockets.connect(f"{web.socket_url}/echo", compression=None) as wire:
        await wire.send("x" * (MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed):
            await wire.recv()
    assert wire.close_code == 1009


async def test_a_compressed_bomb_closes_with_1009(web: Web) -> None:
    async with websockets.connect(f"{web.socket_url}/echo", compression="deflate") as wire:
        await wire.send("x" * (64 * MAX_MESSAGE))
        with pytest.raises(ConnectionClosed):
            await wire.recv()
    assert wire.close_code == 1009


async def test_a_crash_of_the_application_closes_with_1011(web: Web) -> None:
    async with websockets.connect(f"{web.socket_url}/echo") as wire:
        await wire.send("crash")
        with pytest.raises(ConnectionClosed):
            await wire.recv()
    assert wire.close_code == 1011


async def test_a_flood_stays_with_its_sender_and_nothing_of_it_is_lost(web: Web) -> None:
    async with websockets.connect(f"{web.socket_url}/echo", compression=None) as wire:
        sending = asyncio.create_task(flood(wire, 3000))
        received = [str(await wire.recv()) for _ in range(3000)]
        await sending
    assert received == [f"{number} {'x' * 500}" for number in range(3000)]


async def flood(wire: websockets.ClientConnection, count: int) -> None:
    for number in range(count):
        await wire.send(f"{number} {'x' * 500}")


async def test_everything_poured_arrives_at_a_reader_who_reads(web: Web) -> None:
    total = 0
    async with websockets.connect(f"{web.socket_url}/pour", compression=None) as wire:
        async for piece in wire:
            total += len(piece)
    assert total == 3200 * 65_536


async def test_a_stalled_reader_costs_at_most_two_megabytes_and_is_cut() -> None:
    with web_process(stall=2.0) as web:
        assert await echo(web, "hello", None) == "hello"
        before = web.peak_megabytes()
        wire = await websockets.connect(f"{web.socket_url}/pour", compression=None, max_queue=1)
        await asyncio.sleep(1)
        assert web.peak_megabytes() - before < 2
        assert await asyncio.to_thread(wait_until, lambda: not connections(web), 20)
        wire.transport.abort()


async def test_nobody_else_notices_a_stalled_reader(web: Web) -> None:
    wire = await websockets.connect(f"{web.socket_url}/pour", compression=None, max_queue=1)
    assert await echo(web, "still here", None) == "still here"
    wire.transport.abort()


async def test_sigterm_closes_with_1012_and_ends_with_success() -> None:
    with web_process() as web:
        async with websockets.connect(f"{web.socket_url}/echo") as wire:
            web.child.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                await wire.recv()
            assert wire.close_code == 1012
        assert await asyncio.to_thread(web.child.wait, 10) == 0


async def test_sigterm_lets_a_running_request_finish() -> None:
    with web_process() as web:
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.readuntil(b"begun")).startswith(b"HTTP/1.1 200")
        web.child.send_signal(signal.SIGTERM)
        assert (await reader.read()).endswith(b"0\r\n\r\n")  # the chunk that ends a whole body
        writer.close()
