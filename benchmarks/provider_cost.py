"""What a token costs inside of this process: streams of the stand-in read through the provider or through the router.

python -m benchmarks.provider_cost --streams 100 --tokens 200
python -m benchmarks.provider_cost --ollama
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from typing import cast

import uvloop

from apps.llm.events import Finished, RouterEvent, TextDelta
from apps.llm.messages import Call, Message, Options, Role
from apps.llm.providers.ollama import Ollama, load_library
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.router import Router
from apps.llm.settings import LlmSettings

Ask = Callable[[int], AsyncGenerator[RouterEvent, None]]  # an answer of so many tokens


def call(model: str, tokens: int = 100_000) -> Call:
    return Call(model, (Message(Role.USER, "How are you?"),), Options(max_tokens=tokens))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listen(ask: Ask, tokens: int) -> tuple[float, int]:
    """Seconds until the first token, and the characters of the answer."""
    begun = time.perf_counter()
    first = characters = 0.0
    async for event in ask(tokens):
        if isinstance(event, TextDelta):
            first = first or time.perf_counter() - begun
            characters += len(event.text)
    return first, int(characters)


async def spent(ask: Ask, streams: int, tokens: int) -> tuple[float, list[float]]:
    """Seconds of CPU for all streams, and the milliseconds until each stream's first token."""
    cpu = time.process_time()
    answers = await asyncio.gather(*(listen(ask, tokens) for _ in range(streams)))
    return time.process_time() - cpu, [first * 1000 for first, _ in answers]


async def once(ask: Ask, streams: int, tokens: int) -> tuple[float, list[float]]:
    """Microseconds of CPU for each token after the first, without the cost of starting; and the first tokens' times."""
    start, _ = await spent(ask, streams, 1)
    whole, firsts = await spent(ask, streams, tokens)
    return (whole - start) / (streams * (tokens - 1)) * 1e6, firsts


async def measure(name: str, ask: Ask, given: argparse.Namespace) -> None:
    """Print the median and the spread of some repetitions."""
    await listen(ask, 1)
    rounds = [await once(ask, given.streams, given.tokens) for _ in range(given.repeat)]
    costs = sorted(cost for cost, _ in rounds)
    firsts = sorted(first for _, some in rounds for first in some)
    print(
        f"{name}: {given.repeat} × {given.streams} × {given.tokens} tokens, "
        f"{statistics.median(costs):.1f} µs of CPU per token ({costs[0]:.1f} – {costs[-1]:.1f}), "
        f"first token p50 {firsts[len(firsts) // 2]:.1f} ms, p95 {firsts[int(len(firsts) * 0.95)]:.1f} ms"
    )


class Reader(asyncio.Protocol):
    """Asks, and takes bytes without looking at them: what the kernel and the event loop cost."""

    def __init__(self, tokens: int) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        body = json.dumps({"model": f"tokens-{tokens}", "messages": [{"role": "user", "content": "?"}], "stream": True})
        self.question = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.question.encode())

    def data_received(self, data: bytes) -> None:
        if b"[DONE]" in data:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self.ended.set_result(None)


async def read_only(port: int, tokens: int) -> AsyncGenerator[RouterEvent, None]:
    """An answer of which nothing is understood."""
    _, reader = await asyncio.get_running_loop().create_connection(lambda: Reader(tokens), "127.0.0.1", port)
    await reader.ended
    yield Finished("stop")


async def ollama(port: int, given: argparse.Namespace) -> None:
    """The same over Ollama's wire."""
    provider = Ollama(f"http://127.0.0.1:{port}")
    await load_library()
    await measure("Ollama", lambda tokens: provider.stream(call("phi3", tokens)), given)
    await provider.close()


async def compare(port: int, given: argparse.Namespace) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    provider = OpenAICompatible(url)
    router = Router(LlmSettings(openai_base_urls=(url,)))
    await measure("bytes alone", lambda tokens: read_only(port, tokens), given)
    await measure("provider", lambda tokens: provider.stream(call(f"tokens-{tokens}")), given)
    await measure("router", lambda tokens: router.stream(router.resolve(f"openai:tokens-{tokens}"), call("")), given)
    await provider.close()
    await router.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rate", type=float, default=20.0, help="tokens per second and stream; 0 is unlimited")
    parser.add_argument("--ollama", action="store_true", help="Ollama's wire instead of OpenAI's")
    given = parser.parse_args()
    port = free_port()
    module, run = ("tests.llm.ollama_server", ollama) if given.ollama else ("benchmarks.standin", compare)
    command = [sys.executable, "-m", module, "--port", str(port), "--rate", str(given.rate)]
    command += ["--tokens", str(given.tokens)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        uvloop.run(run(port, given))
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


if __name__ == "__main__":
    main()
