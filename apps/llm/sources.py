"""Where models are fetched from, by their name."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from apps.core.errors import NitroError
from apps.llm.configuration import configured
from apps.llm.errors import ProviderError, Refused, TimedOut, Unreachable
from apps.llm.from_address import DiskFull, FromAddress
from apps.llm.providers.ollama import Ollama
from apps.llm.services import ADDRESS, Progress

INSTALL_HINT = (
    "Install Ollama from https://ollama.com/download and start it (`ollama serve`), or set OLLAMA_BASE_URL to the "
    "machine that it runs on. Until then the built-in model answers."
)
DISK_HINT = "Free some space on the disk of the model server, or remove a model with `nitro models remove NAME`."


class Source(Protocol):
    """Fetches models, telling how far it is."""

    def pull(self, name: str) -> AsyncGenerator[Progress, None]:
        """Fetch one model to its end. Raises a `NitroError`; closing the generator stops it."""

    async def close(self) -> None:
        """Close all connections."""


class FromOllama:
    """Lets the Ollama server fetch a model from its registry."""

    def __init__(self, base_url: str) -> None:
        if not base_url:
            raise Unreachable("Ollama is not set up.", hint=INSTALL_HINT)
        self._provider = Ollama(base_url)

    async def pull(self, name: str) -> AsyncGenerator[Progress, None]:
        try:
            async with aclosing(self._provider.pull(name)) as steps:
                async for step in steps:
                    yield Progress(step.status, step.completed, step.total)
        except ProviderError as failure:
            raise explained(failure) from failure

    async def remove(self, name: str) -> None:
        """Delete a model from the server's disk. Raises a `NitroError`."""
        try:
            await self._provider.remove(name)
        except ProviderError as failure:
            raise explained(failure) from failure

    async def close(self) -> None:
        await self._provider.close()


def explained(failure: ProviderError) -> NitroError:
    """A failure with the hint that helps somebody who installs models."""
    said = failure.message.lower()
    if "no space left" in said or "disk full" in said or "not enough space" in said:
        return DiskFull(failure.message, hint=DISK_HINT)
    if "file does not exist" in said or "manifest unknown" in said:
        failure.hint = "Check the name; https://ollama.com/library lists what there is."
    elif isinstance(failure, Unreachable | TimedOut) and not isinstance(failure, Refused):
        failure.hint = INSTALL_HINT
    return failure


def source_of(name: str) -> Source:
    """Who fetches a model of this name, or from this address. Raises a `NitroError`."""
    if name.startswith(ADDRESS):
        return FromAddress(Path(configured().home))
    return FromOllama(configured().ollama_base_url)
