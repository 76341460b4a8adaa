"""What the list of all models costs: an Ollama with many models, a folder with many files, a server that is away.

python -m benchmarks.catalogue --models 30 --files 30
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from apps.core.machine import machine
from apps.llm.catalogue import catalogue
from apps.llm.gguf import read_head
from apps.llm.local import local_files
from apps.llm.providers.ollama import Ollama, load_library
from apps.llm.router import Router
from apps.llm.settings import LlmSettings
from nitro.embedded.model import model_file
from tests.llm.gguf_files import put
from tests.llm.ollama_server import Held, OllamaServer

ROUNDS = 21


def report(name: str, times: list[float]) -> None:
    ordered = sorted(one * 1000 for one in times)
    print(f"{name}: median {statistics.median(ordered):.2f} ms, {ordered[0]:.2f} to {ordered[-1]:.2f}")


def timed(name: str, times: int, work: object) -> None:
    assert callable(work)
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    report(name, took)


async def lists(router: Router, *, fresh: bool) -> list[float]:
    """Seconds of some rounds; `fresh` asks all servers each time."""
    took = []
    for _ in range(ROUNDS):
        if fresh:
            router.models_changed()
        begun = time.perf_counter()
        await catalogue(router)
        took.append(time.perf_counter() - begun)
    return took


async def measure(models: int, home: Path) -> None:
    await load_library()
    async with OllamaServer() as server:
        server.held = {f"model-{number}:latest": Held(digest=f"sha256:{number}") for number in range(models)}
        settings = LlmSettings(ai_model="ollama", ollama_base_url=server.url, kinds=("ollama",), home=str(home))
        router = Router(settings, {"ollama": [Ollama(server.url)]})
        begun = time.perf_counter()
        found = await catalogue(router)
        report(f"the first list, of {len(found)} models", [time.perf_counter() - begun])
        report("the list, servers asked anew", await lists(router, fresh=True))
        report("the list, within a minute", await lists(router, fresh=False))
        await router.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=30)
    parser.add_argument("--files", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for number in range(given.files):
            put(home, f"file-{number}.gguf")
        timed("the machine", ROUNDS, machine)
        timed("the head of the shipped model", 5, lambda: read_head(model_file()))
        timed(f"{given.files} files, read before", ROUNDS, lambda: local_files(home))
        asyncio.run(measure(given.models, home))


if __name__ == "__main__":
    main()
