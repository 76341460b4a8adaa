"""Measures what is asked again, at once or many at a time: `python -m benchmarks.again [--quick]`.

Starts a Nitro of its own with the built-in model on a fresh data folder, and starts it anew once; with `--base URL`
and `--key KEY` it asks one that runs. Prints a Markdown table. docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.household import Household, free_port, fresh_home, spent
from benchmarks.startup import builtin, by_kind, page, up

PROMPT = "Write one friendly sentence about the sea."
PROMPTS = {"one sentence": PROMPT, "a few sentences": "Explain in a few sentences why the sea is salty."}
BATCH = tuple(f"Write one friendly sentence about {thing}." for thing in ("rain", "bread", "owls", "trains"))
OPTIONS = {"max_tokens": 48, "temperature": 0}  # at which a model says the same again, fresh or not
LONGER = OPTIONS | {"max_tokens": 400}
TRIES = 30
WARMING = 20  # answers before the measured ones
OPEN = 20  # chats that are open at a time; more of them than the least MAX_SESSIONS would be paused
QUIET = 0.3  # seconds after which an opened socket is ready
SETTLED = 3.0  # seconds after which every process has handed over what it counted


@dataclass
class Nitro:
    """A running Nitro, spoken to with a key. `processor` tells its seconds of processor time by kind of process."""

    base: str
    key: str
    processor: Callable[[], dict[str, float]] = dict
    http: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Nitro:
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.key}"})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def post(self, path: str, body: Any) -> Any:
        async with self.http.post(self.base + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(loads=orjson.loads)

    async def generations(self) -> int:
        """How many answers a model had to write, since the cache did not know them. Nitro must be on this machine."""
        async with aiohttp.request("GET", self.base + "/metrics?format=prometheus") as answer:
            lines = (await answer.text()).splitlines() if answer.status == 200 else []
        return sum(round(float(line.split()[-1])) for line in lines if line.startswith(MISSES))

    async def conversation(self) -> str:
        return str((await self.post("/api/conversations/", {}))["id"])

    def note(self, name: str, value: str) -> None:
        print(f"| {name} | {value} |", flush=True)


MISSES = 'nitro_reply_cache_total{result="miss"}'
Told = tuple[float, dict[str, Any]]


@asynccontextmanager
async def open_chat(nitro: Nitro) -> AsyncIterator[ClientConnection]:
    """The socket of a new chat, as a page has it."""
    url = f"{nitro.base.replace('http', 'ws', 1)}/ws/chat/{await nitro.conversation()}/?html=1"
    async with connect(url, additional_headers={"Authorization": f"Bearer {nitro.key}"}) as wire:
        yield wire


async def ask(wire: ClientConnection, prompt: str, *, cache: bool = True) -> Told:
    """Seconds from the question to its end, and the last frame."""
    frame = {"type": "ask", "id": str(uuid.uuid4()), "text": prompt, "cache": cache, "options": options_of(prompt)}
    began = time.perf_counter()
    await wire.send(orjson.dumps(frame).decode())
    while (told := orjson.loads(await wire.recv()))["type"] != "done":
        assert told["type"] != "error", told
    return time.perf_counter() - began, told


async def over_socket(nitro: Nitro, prompt: str, times: int, *, cache: bool = True) -> list[Told]:
    """The question in so many new chats, one after the other; they are open before it is asked."""
    told: list[Told] = []
    while len(told) < times:
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(open_chat(nitro)) for _ in range(min(OPEN, times - len(told)))]
            await asyncio.sleep(QUIET)
            told += [await ask(wire, prompt, cache=cache) for wire in wires]
    return told


async def over_http(nitro: Nitro, prompt: str, times: int = 1) -> list[Told]:
    """The same, where each question begins its chat."""
    told: list[Told] = []
    for _ in range(times):
        began = time.perf_counter()
        answer = await nitro.post("/api/chat/", {"message": prompt, "options": options_of(prompt)})
        told.append((time.perf_counter() - began, answer))
    return told


def options_of(prompt: str) -> dict[str, int]:
    """A sentence has an end; the few sentences of a small model need room to find theirs."""
    return LONGER if prompt == PROMPTS["a few sentences"] else OPTIONS


async def again(nitro: Nitro, times: int) -> None:
    """Fresh answers, and the same from the cache."""
    for name, prompt in PROMPTS.items():
        fresh = sorted(took for took, _ in await over_socket(nitro, prompt, max(5, times // 10), cache=False))
        fastest, median = fresh[0] * 1000, statistics.median(fresh) * 1000
        words = len((await keep(nitro, prompt)).split())
        nitro.note(f"{name}: fresh, fastest and median", f"{fastest:.0f} and {median:.0f} ms, {words} words")
        for asking in (over_socket, over_http):
            await asking(nitro, prompt, WARMING)
        for door, asking in (("socket", over_socket), ("/api/chat/", over_http)):
            await cached(nitro, f"{name}: cached over {door}", asking(nitro, prompt, times), fastest)


async def keep(nitro: Nitro, prompt: str) -> str:
    """Ask until an answer is kept, and return it: one that was cut at its limit is not."""
    for _ in range(TRIES):
        ((_, told),) = await over_http(nitro, prompt)
        if told["finish_reason"] == "stop":
            return str(told["text"])
    raise AssertionError("The model finds no end.")


async def cached(nitro: Nitro, name: str, asking: Awaitable[list[Told]], fastest: float) -> None:
    """Note what answers took that must all have come from the cache, against the fastest fresh one in milliseconds."""
    before = nitro.processor()
    told = await asking
    assert all(done["cached"] for _, done in told)
    took = sorted(seconds * 1000 for seconds, _ in told)
    median = took[len(took) // 2]
    nitro.note(
        f"{name}, least, median and p95", f"{took[0]:.1f}, {median:.1f} and {took[len(took) * 95 // 100]:.1f} ms"
    )
    nitro.note(f"{name} against the fastest fresh one", f"{fastest / median:.0f} ×")
    spent = [f"{kind} {(now - before[kind]) / len(told) * 1000:.1f} ms" for kind, now in nitro.processor().items()]
    if spent:
        nitro.note(f"{name}: processor time of each, with its chat and its opening", ", ".join(spent))


async def at_once(nitro: Nitro, count: int) -> None:
    """Equal questions at the same moment."""
    prompt = f"{PROMPT} {uuid.uuid4().hex[:6]}"
    await asyncio.sleep(SETTLED)
    before = await nitro.generations()
    began = time.perf_counter()
    told = [one for (one,) in await asyncio.gather(*(over_http(nitro, prompt) for _ in range(count)))]
    took = time.perf_counter() - began
    await asyncio.sleep(SETTLED)
    texts = {answer["text"] for _, answer in told}
    whole = sum(answer["finish_reason"] in {"stop", "length"} for _, answer in told)
    nitro.note(
        f"{count} equal questions at once",
        f"{took:.2f} s, {await nitro.generations() - before} generation, {whole} whole answers, {len(texts)} wording",
    )


async def batch(nitro: Nitro) -> None:
    """Four questions one after the other, and the same as one batch; without the cache."""
    requests = [{"message": prompt, "options": OPTIONS, "cache": False} for prompt in BATCH]
    began = time.perf_counter()
    for request in requests:
        await nitro.post("/api/chat/", request)
    alone = time.perf_counter() - began
    began = time.perf_counter()
    told = await nitro.post("/api/chat/batch/", {"requests": requests})
    together = time.perf_counter() - began
    assert [result["status"] for result in told["results"]] == [200] * len(BATCH)
    nitro.note(
        "4 questions one after the other, and as a batch", f"{alone:.2f} and {together:.2f} s: {alone / together:.2f} ×"
    )


async def measure(nitro: Nitro, *, quick: bool) -> None:
    """All of it, against one Nitro."""
    async with nitro:
        print("| what | measured |\n|---|---|")
        await again(nitro, 20 if quick else 100)
        await at_once(nitro, 50)
        for _ in range(1 if quick else 3):
            await batch(nitro)


async def after_restart(nitro: Nitro) -> None:
    """The answer that was kept before the restart."""
    async with nitro:
        ((took, told),) = await over_http(nitro, PROMPT)
        nitro.note("found after a restart of everything", f"{'yes' if told['cached'] else 'NO'}, {took * 1000:.1f} ms")


async def own(*, quick: bool) -> None:
    """The same against a Nitro that is started for it."""
    with fresh_home() as home:
        environment = builtin(home) | {"AI_MODEL": "builtin", "RATE_LIMIT_CHAT": "1000000/minute"}
        house = Household(home, free_port(), 0, environment)
        with up(house) as (parent, _):
            await page(house)
            (key,) = await asyncio.to_thread(house.keys, 1)
            base = f"http://127.0.0.1:{house.port}"
            pids = by_kind(parent)
            nitro = Nitro(base, key, lambda: {kind: sum(map(spent, found)) for kind, found in pids.items()})
            await measure(nitro, quick=quick)
        with up(house):
            await page(house)
            await after_restart(Nitro(base, key))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="a Nitro that runs; only with --key")
    parser.add_argument("--key", help="a key for it, of somebody without a limit of questions")
    parser.add_argument("--quick", action="store_true", help="a smoke test of the measurements, not of the speed")
    given = parser.parse_args()
    work = measure(Nitro(given.base, given.key), quick=given.quick) if given.key else own(quick=given.quick)
    asyncio.run(work)


if __name__ == "__main__":
    main()
