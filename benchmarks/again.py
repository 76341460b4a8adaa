"""Measures what is asked again, at once or many at a time: `python -m benchmarks.again --base URL --key KEY [--quick]`.

Talks to a running Nitro as a program does, and prints a Markdown table. docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import websockets

PROMPT = "Write one friendly sentence about the sea."
BATCH = tuple(f"Write one friendly sentence about {thing}." for thing in ("rain", "bread", "owls", "trains"))
OPTIONS = {"max_tokens": 48}


@dataclass
class Nitro:
    """A running Nitro, spoken to with a key."""

    base: str
    key: str
    http: aiohttp.ClientSession

    async def post(self, path: str, body: Any) -> Any:
        async with self.http.post(self.base + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(loads=orjson.loads)

    async def conversation(self) -> str:
        return str((await self.post("/api/conversations/", {}))["id"])

    def note(self, name: str, value: str) -> None:
        print(f"| {name} | {value} |", flush=True)


async def over_socket(nitro: Nitro, prompt: str, *, cache: bool = True) -> tuple[float, dict[str, Any]]:
    """Seconds from the question to its end in a new chat, and the last frame."""
    url = f"{nitro.base.replace('http', 'ws', 1)}/ws/chat/{await nitro.conversation()}/?html=1"
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {nitro.key}"}) as wire:
        frame = {"type": "ask", "id": str(uuid.uuid4()), "text": prompt, "cache": cache, "options": OPTIONS}
        began = time.perf_counter()
        await wire.send(orjson.dumps(frame).decode())
        while (told := orjson.loads(await wire.recv()))["type"] != "done":
            assert told["type"] != "error", told
        return time.perf_counter() - began, told


async def over_http(nitro: Nitro, prompt: str) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    told = await nitro.post("/api/chat/", {"message": prompt, "options": OPTIONS})
    return time.perf_counter() - began, told


async def again(nitro: Nitro, times: int) -> None:
    """A fresh answer, and the same one from the cache."""
    fresh = sorted([(await over_socket(nitro, PROMPT, cache=False))[0] for _ in range(max(3, times // 10))])
    nitro.note(
        "fresh answer, fastest and median", f"{fresh[0] * 1000:.0f} and {statistics.median(fresh) * 1000:.0f} ms"
    )
    await over_socket(nitro, PROMPT)
    for name, ask in (("socket", over_socket), ("/api/chat/", over_http)):
        took = await cached(nitro, ask, times)
        nitro.note(
            f"cached over {name}, median and p95",
            f"{took[len(took) // 2]:.1f} and {took[len(took) * 95 // 100]:.1f} ms",
        )
        nitro.note(
            f"cached over {name} against the fastest fresh one", f"{fresh[0] * 1000 / took[len(took) // 2]:.0f} ×"
        )


async def cached(
    nitro: Nitro, ask: Callable[[Nitro, str], Awaitable[tuple[float, dict[str, Any]]]], times: int
) -> list[float]:
    """Milliseconds, sorted; each of them must have come from the cache."""
    told = [await ask(nitro, PROMPT) for _ in range(times)]
    assert all(done["cached"] for _, done in told)
    return sorted(seconds * 1000 for seconds, _ in told)


async def at_once(nitro: Nitro, count: int) -> None:
    """Equal questions at the same moment."""
    prompt = f"{PROMPT} {uuid.uuid4().hex[:6]}"
    began = time.perf_counter()
    told = await asyncio.gather(*(over_http(nitro, prompt) for _ in range(count)))
    texts = {answer["text"] for _, answer in told}
    nitro.note(
        f"{count} equal questions at once", f"{time.perf_counter() - began:.2f} s, {len(texts)} different answers"
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


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--key", required=True)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {given.key}"}) as http:
        nitro = Nitro(given.base, given.key, http)
        print("| what | measured |\n|---|---|")
        await again(nitro, 20 if given.quick else 100)
        await at_once(nitro, 50)
        for _ in range(1 if given.quick else 3):
            await batch(nitro)


if __name__ == "__main__":
    asyncio.run(main())
