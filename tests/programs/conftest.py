"""A real Nitro with its built-in model, and keys for the programs that talk to it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from benchmarks.standin import StandIn
from tests.browser.nitro_up import NitroUp
from tests.llm.ollama_server import OllamaServer

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class House:
    """Where Nitro is, what the stand-in for a second model server saw, and the keys of two people and a chief."""

    up: NitroUp
    standin: StandIn
    alice: str
    bob: str
    chief: str

    @property
    def base(self) -> str:
        return self.up.base

    @property
    def v1(self) -> str:
        return f"{self.base}/v1"

    def command(self, *words: str) -> str:
        """What a command of Nitro's prints."""
        return command(self.up, *words)


def command(up: NitroUp, *words: str) -> str:
    argv = [sys.executable, "-m", "nitro", *words]
    done = subprocess.run(argv, env=up.environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def key_of(up: NitroUp, name: str, *scopes: str) -> str:
    """A key of a new user; an administrator's where it is one for `admin`."""
    command(up, "user", "create", name, *(["--admin"] if "admin" in scopes else []))
    wanted = ["--scopes", ",".join(scopes)] if scopes else []
    return command(up, "apikey", "create", "--user", name, "--name", "tests", *wanted).strip().splitlines()[-1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[House]:
    async with StandIn(rate=100.0) as standin, OllamaServer() as ollama:
        settings = {"AI_MODEL": "openai", "MAX_TOKENS": "60", "OPENAI_BASE_URL": standin.url}
        settings["RATE_LIMIT_CHAT"] = "60000/minute"
        settings["AI_FALLBACK"] = "builtin"  # which starts it
        settings["OLLAMA_BASE_URL"] = ollama.url
        settings["SEARCH_ENGINE"] = "library"
        async with NitroUp(settings) as up:
            alice = await asyncio.to_thread(key_of, up, "alice")
            bob = await asyncio.to_thread(key_of, up, "bob")
            chief = await asyncio.to_thread(key_of, up, "chief", "admin", "models")
            yield House(up, standin, alice, bob, chief)
