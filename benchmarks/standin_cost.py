"""What the stand-in itself costs while it speaks on many streams: `python -m benchmarks.standin_cost [--ollama]`.

Readers in this process take the bytes without understanding them; the stand-in runs in its own and tells what it used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any, cast

import uvloop

from nitro.process import wait_until


class Reader(asyncio.Protocol):
    """Reads an answer to its end and keeps nothing but the time of its last byte."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.ended.set_result(time.perf_counter())


def stats(port: int) -> dict[str, Any]:
    """What the stand-in counts of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=30) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


async def speak(port: int, streams: int, *, ollama: bool) -> float:
    """Seconds until the last of so many streams has ended."""
    path = "/api/chat" if ollama else "/v1/chat/completions"
    body = json.dumps({"model": "stand-in", "stream": True, "messages": [{"role": "user", "content": "Count."}]})
    request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    readers = []
    for _ in range(streams):
        _, reader = await loop.create_connection(lambda: Reader(request), "127.0.0.1", port)
        readers.append(reader)
    return max(await asyncio.gather(*(reader.ended for reader in readers))) - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--ollama", action="store_true", help="Ollama's wire instead of OpenAI's")
    given = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["--port", str(port), "--rate", str(given.rate), "--tokens", str(int(given.rate * given.seconds))]
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.standin", *words], stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: _answers(port), 30)
        before, mine = stats(port), time.process_time()
        seconds = uvloop.run(speak(port, given.streams, ollama=given.ollama))
        after, mine = stats(port), time.process_time() - mine
    finally:
        child.kill()
        child.wait()
    cpu, tokens = after["cpu_seconds"] - before["cpu_seconds"], after["tokens"] - before["tokens"]
    print(f"{given.streams} streams of {tokens // given.streams} tokens took {seconds:.1f} s (due {given.seconds:.1f})")
    print(
        f"stand-in: {cpu / seconds:.2f} cores, {cpu / tokens * 1e6:.1f} µs a token; readers {mine / seconds:.2f} cores"
    )


def _answers(port: int) -> bool:
    try:
        return bool(stats(port))
    except OSError:
        return False


if __name__ == "__main__":
    main()
