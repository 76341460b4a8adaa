"""What a token costs inside of this process: streams of the stand-in read through the provider or through the router.

python -m benchmarks.provider_cost --streams 100 --tokens 200
python -m benchmarks.provider_cost --ollama
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable

import uvloop

from apps.llm.events import RouterEvent, TextDelta
from apps.llm.messages import Call, Message, Options, Role
from apps.llm.providers.ollama import Ollama, load_library
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.router import Router
from apps.llm.settings import LlmSettings

Ask = Callable[[str], AsyncGenerator[RouterEvent, None]]


def call(model: str) -> Call:
    return Call(model, (Message(Role.USER, "How are you?"),), Options(max_tokens=100_000))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listen(ask: Ask, model: str) -> tuple[float, int]:
    """Seconds until the first token, and the characters of the answer."""
    begun = time.perf_counter()
    first = characters = 0.0
    async for event in ask(model):
        if isinstance(event, TextDelta):
            first = first or time.perf_counter() - begun
            characters += len(event.text)
    return first, int(characters)


async def measure(name: str, ask: Ask, streams: int, tokens: int) -> None:
    await listen(ask, "tokens-1")
    cpu, begun = time.process_time(), time.perf_counter()
    answers = await asyncio.gather(*(listen(ask, f"tokens-{tokens}") for _ in range(streams)))
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    firsts = sorted(first * 1000 for first, _ in answers)
    print(
        f"{name}: {streams} × {tokens} tokens in {wall:.2f} s, {streams * tokens / wall:,.0f} tokens/s, "
        f"{cpu / (streams * tokens) * 1e6:.1f} µs of CPU per token, "
        f"first token p50 {firsts[len(firsts) // 2]:.1f} ms, p95 {firsts[int(len(firsts) * 0.95)]:.1f} ms"
    )


async def ollama(port: int, streams: int, tokens: int) -> None:
    """The same over Ollama's wire."""
    provider = Ollama(f"http://127.0.0.1:{port}")
    await load_library()
    await measure("Ollama", lambda _: provider.stream(call("phi3")), streams, tokens)
    await provider.close()


async def compare(port: int, streams: int, tokens: int) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    provider = OpenAICompatible(url)
    router = Router(LlmSettings(openai_base_urls=(url,)))
    await measure("provider", lambda model: provider.stream(call(model)), streams, tokens)
    await measure("router", lambda model: router.stream(router.resolve(f"openai:{model}"), call("")), streams, tokens)
    await provider.close()
    await router.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=200)
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
        uvloop.run(run(port, given.streams, given.tokens))
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


if __name__ == "__main__":
    main()
