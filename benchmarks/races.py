"""The races: many chats at once, one chat at full speed, the start of a chat, and the bytes of a stream."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from benchmarks.household import Cpu, Household, Seat
from benchmarks.reading import Reading, percentile, read
from benchmarks.wire import Turn, Wire

Figures = dict[str, float]
PATIENCE = 180.0
ANSWER = Path(__file__).parent / "answer.md"
SEED = 7


@dataclass(frozen=True, slots=True)
class Race:
    """What came of many chats: their readings, how long everything took, and what it cost."""

    readings: Sequence[Reading]
    failed: int
    seconds: float
    cpu: Cpu
    received: int

    def firsts(self) -> Figures:
        """When the first words came, in milliseconds."""
        first = [reading.first * 1000 for reading in self.readings]
        return {"first_p50_ms": median(first), "first_p95_ms": percentile(first, 0.95), "first_max_ms": max(first)}

    def wholeness(self, tokens: int) -> Figures:
        """How many chats were complete, and how many had words lost or doubled."""
        whole = sum(reading.is_whole(tokens) for reading in self.readings)
        return {"complete": float(whole), "broken": float(len(self.readings) - whole + self.failed)}

    def costs(self, tokens: int) -> Figures:
        """Seconds of processor time per 1,000 tokens that were delivered, by program."""
        thousands = tokens * len(self.readings) / 1000
        cpu = self.cpu
        parts = {"server": cpu.server, "web": cpu.web, "postgres": cpu.postgres, "redis": cpu.redis}
        others = {"model": cpu.model, "client": cpu.client}
        return {f"cpu_{name}_per_1000": used / thousands for name, used in (parts | others).items()} | {
            "machine_busy": cpu.everybody / self.seconds,
            "frames_per_chat": sum(reading.deltas for reading in self.readings) / len(self.readings),
        }


async def opened(house: Household, seats: Sequence[Seat]) -> list[Wire]:
    """A socket for every seat, a few at a time."""
    wires: list[Wire] = []
    for start in range(0, len(seats), 20):
        some = seats[start : start + 20]
        wires += await asyncio.gather(*(Wire.connect(house.port, seat.path, seat.cookie) for seat in some))
    return wires


async def race(house: Household, count: int, *, over: float, evenly: bool = False) -> Race:
    """`count` chats over sockets that are open already, begun within `over` seconds."""
    wires = await opened(house, await asyncio.to_thread(house.seats, count))
    await asyncio.sleep(1.0)
    dice = random.Random(SEED)
    starts = [over * n / count for n in range(count)] if evenly else [dice.uniform(0, over) for _ in range(count)]
    for wire in wires:
        wire.received = 0
    before, began = house.cpu(), time.perf_counter()
    turns = await asyncio.gather(*(_late(wire, start) for wire, start in zip(wires, starts, strict=True)))
    await asyncio.wait([turn.ended for turn in turns], timeout=PATIENCE)
    seconds, cpu = time.perf_counter() - began, house.cpu() - before
    ended = [turn for turn in turns if turn.ended.done() and turn.ended.exception() is None]
    received = sum(wire.received for wire in wires)
    for wire in wires:
        wire.close()
    return Race([read(turn) for turn in ended], len(turns) - len(ended), seconds, cpu, received)


async def _late(wire: Wire, seconds: float) -> Turn:
    await asyncio.sleep(seconds)
    return wire.ask("Tell me all the numbers.")


async def warm_up(house: Household) -> None:
    """A few turns that count for nothing, so that every process has opened what it keeps open."""
    wires = await opened(house, await asyncio.to_thread(house.seats, 16))
    await asyncio.wait([wire.ask("Hello!").ended for wire in wires], timeout=PATIENCE)
    for wire in wires:
        wire.close()


# --- the figures -----------------------------------------------------------------------------------------------------


async def one_chat(house: Household, *, pairs: int) -> Figures:
    """How much later the first word comes through Nitro than straight from the model server, pair by pair."""
    (seat,) = await asyncio.to_thread(house.seats, 1)
    (wire,) = await opened(house, [seat])
    through, straight = [], []
    for _ in range(pairs):
        turn = wire.ask("One, please.")
        await turn.ended
        through.append(read(turn).first * 1000)
        straight.append(await first_straight(house.model_port) * 1000)
        await asyncio.sleep(0.3)
    wire.close()
    later = [a - b for a, b in zip(through, straight, strict=True)]
    return {
        "later_p50_ms": median(later),
        "later_p95_ms": percentile(later, 0.95),
        "nitro_p50_ms": median(through),
        "straight_p50_ms": median(straight),
    }


async def first_straight(port: int) -> float:
    """Seconds to the first word straight from the model server, over a connection that is open already."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = orjson.dumps({"model": "stand-in", "stream": True, "messages": [{"role": "user", "content": "One."}]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    await asyncio.sleep(0.05)
    asked = time.perf_counter()
    writer.write(head.encode() + body)
    await reader.readuntil(b'"content"')
    seconds = time.perf_counter() - asked
    writer.close()
    return seconds


async def many_chats(house: Household, *, count: int, tokens: int) -> Figures:
    """Chats that begin at random within one second."""
    done = await race(house, count, over=1.0)
    return done.firsts() | done.wholeness(tokens) | done.costs(tokens)


async def steady_chats(house: Household, *, count: int, over: float, tokens: int) -> Figures:
    """Chats that begin evenly over a longer time."""
    done = await race(house, count, over=over, evenly=True)
    return done.firsts() | done.wholeness(tokens) | done.costs(tokens)


async def full_speed(house: Household, *, tokens: int) -> Figures:
    """One chat with a model that writes as fast as it can."""
    (wire,) = await opened(house, await asyncio.to_thread(house.seats, 1))
    before = house.cpu()
    turn = wire.ask("Everything.")
    await asyncio.wait_for(turn.ended, PATIENCE)
    reading, cpu = read(turn), house.cpu() - before
    wire.close()
    return {
        "tokens_per_second": tokens / reading.last,
        "broken": float(not reading.is_whole(tokens)),
        "deltas": float(reading.deltas),
        "cpu_server_per_1000": cpu.server / tokens * 1000,
        "to_done_s": turn.frames[-1][0] - turn.asked,
    }


async def straight_speed(house: Household, *, tokens: int) -> Figures:
    """The same straight from the model server: what there is to be had."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.model_port)
    body = orjson.dumps({"model": "stand-in", "stream": True, "messages": [{"role": "user", "content": "All."}]})
    asked = time.perf_counter()
    writer.write(f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    tail = b""
    while b"[DONE]" not in tail:
        tail = tail[-10:] + await reader.read(262_144)
    writer.close()
    return {"straight_tokens_per_second": tokens / (time.perf_counter() - asked)}


async def starts(house: Household, *, turns: int) -> Figures:
    """Processor time of a chat of one token, its end included: over open sockets, and each over a socket of its own."""
    seats = await asyncio.to_thread(house.seats, turns)
    wires = await opened(house, seats)
    await asyncio.sleep(1.0)
    before = house.cpu()
    for wire in wires:
        await wire.ask("One.").ended
    middle = house.cpu()
    for wire in wires:
        wire.close()
    seats = await asyncio.to_thread(house.seats, turns)
    await asyncio.sleep(1.0)
    again = house.cpu()
    for seat in seats:
        (wire,) = await opened(house, [seat])
        await wire.ask("One.").ended
        wire.close()
    after = house.cpu()
    over_open, with_socket = middle - before, after - again
    return {
        "cpu_ms": over_open.server / turns * 1000,
        "cpu_web_ms": over_open.web / turns * 1000,
        "cpu_postgres_ms": over_open.postgres / turns * 1000,
        "cpu_redis_ms": over_open.redis / turns * 1000,
        "cpu_with_socket_ms": with_socket.server / turns * 1000,
    }


async def stream_bytes(house: Household, *, rate: int) -> Figures:
    """Bytes on the wire for an answer with code, lists and a table, against the answer's own bytes."""
    await asyncio.to_thread(house.model, "--rate", str(rate), "--text", str(ANSWER))
    (wire,) = await opened(house, await asyncio.to_thread(house.seats, 1))
    turn = wire.ask("Explain it to me.")
    await asyncio.wait_for(turn.ended, PATIENCE)
    reading, size = read(turn), len(ANSWER.read_bytes())
    wire.close()
    return {
        "times_compressed": wire.received / size,
        "times_raw": reading.raw / size,
        "answer_bytes": float(size),
        "wire_bytes": float(wire.received),
        "deltas": float(reading.deltas),
        "broken": float(reading.text != ANSWER.read_text(encoding="utf-8")),
    }
