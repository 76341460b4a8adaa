"""Back-pressure: who waits, who goes on and who is cut."""

from __future__ import annotations

import asyncio

from nitro.web.gate import Gate
from nitro.web.lines import waiting_bytes


class Transport:
    """A transport whose buffer the test fills and empties."""

    def __init__(self, waiting: int) -> None:
        self.dataBuffer = b"x" * waiting
        self.offset = 0
        self._tempDataLen = 0
        self.aborted = False

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True


async def test_an_open_gate_lets_pass_at_once() -> None:
    await Gate().passage(Transport(10), stall_seconds=60)


async def test_several_senders_wait_for_the_same_opening() -> None:
    gate, transport = Gate(), Transport(10)
    gate.pauseProducing()
    senders = [asyncio.create_task(gate.passage(transport, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(sender.done() for sender in senders)
    gate.resumeProducing()
    await asyncio.gather(*senders)
    assert not transport.aborted


async def test_a_reader_who_takes_nothing_is_cut() -> None:
    gate, transport = Gate(), Transport(10)
    gate.pauseProducing()
    await gate.passage(transport, stall_seconds=0.02)
    assert transport.aborted


async def test_a_slow_reader_is_not_cut() -> None:
    gate, transport = Gate(), Transport(8)
    gate.pauseProducing()
    sender = asyncio.create_task(gate.passage(transport, stall_seconds=0.2))
    for _ in range(8):
        await asyncio.sleep(0.05)
        transport.offset += 1
    gate.resumeProducing()
    await sender
    assert not transport.aborted


async def test_a_lost_connection_frees_its_senders() -> None:
    gate = Gate()
    gate.pauseProducing()
    sender = asyncio.create_task(gate.passage(Transport(10), 60))
    await asyncio.sleep(0)
    gate.stopProducing()
    await sender


async def test_a_cancelled_sender_does_not_hold_up_the_others() -> None:
    gate, transport = Gate(), Transport(10)
    gate.pauseProducing()
    first, second = (asyncio.create_task(gate.passage(transport, 60)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.resumeProducing()
    await second
    assert first.cancelled()


def test_waiting_bytes_are_those_not_yet_taken() -> None:
    transport = Transport(10)
    transport.offset, transport._tempDataLen = 4, 7
    assert waiting_bytes(transport) == 13
