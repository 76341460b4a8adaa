"""The servers that tests of language models talk to."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator

import pytest

from benchmarks.standin import StandIn
from nitro.embedded.model import free_port
from nitro.process import wait_until

MODEL_SECONDS = 60.0


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    """A stand-in at unlimited speed, with answers of ten tokens."""
    async with StandIn(tokens=10) as server:
        yield server


@pytest.fixture
async def slow_standin() -> AsyncIterator[StandIn]:
    """A stand-in that would take five minutes for an answer."""
    async with StandIn(tokens=6000, rate=20) as server:
        yield server


@pytest.fixture(scope="session")
def builtin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a built-in model of the tests' own."""
    port = free_port(tmp_path_factory.mktemp("model"))
    child = subprocess.Popen([sys.executable, "-m", "nitro.embedded.model", "--port", str(port)])
    try:
        assert wait_until(lambda: _answers(f"http://127.0.0.1:{port}/health"), MODEL_SECONDS)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        child.terminate()
        child.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
