"""The servers of one kind of provider: which is least busy, which is away, and which models they have."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from apps.llm.breaker import Breaker, State
from apps.llm.errors import ProviderError, Resting, Unreachable
from apps.llm.gate import Gate
from apps.llm.providers.base import ModelInfo, Provider
from apps.llm.registry import BUILDERS, build
from apps.llm.settings import LlmSettings
from apps.llm.shared_gate import SharedGate

SHARED = frozenset({"builtin", "ollama"})  # these answer a few questions at once, whoever asks from wherever
SLOTS = {"builtin": 4, "ollama": 1, "gemini": 64}  # each of Gemini's answers keeps a thread
OTHER_SLOTS = 256
STARTED_BY_US = frozenset({"builtin"})
START_GRACE = 10.0  # seconds for which a process of our own may refuse connections before it counts as away
NEW_START = 30.0  # seconds after which a refusal is a new incident
COOL_DOWN = 5.0  # seconds for which a server that failed is only asked when no other is left
FRESH = 60.0
FRESH_AFTER_FAILURE = 2.0


@dataclass(frozen=True, slots=True)
class Condition:
    """How one server does: `wait` is the time in seconds until an open breaker lets somebody through again."""

    kind: str
    number: int
    state: State
    failures: int
    wait: float
    last_failure: str


class Backend:
    """One server with its load in this process, and the breaker that spares it and its callers."""

    def __init__(self, provider: Provider, *, started_by_us: bool) -> None:
        self.provider = provider
        self.load = 0
        self._asked = -random.random()  # noqa: S311 (so that not all processes begin with the same of equal servers)
        self.breaker = Breaker()
        self._started_by_us = started_by_us
        self._failed = self._refused_first = self._refused_last = self._heard = float("-inf")

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Counts one answer for as long as it is being generated."""
        self.load += 1
        self._asked = time.monotonic()
        try:
            yield
        finally:
            self.load -= 1

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Smaller is better. Of equals the one that was asked longest ago; at first chance decides, for else all
        processes would begin with the same server."""
        return time.monotonic() - self._failed < COOL_DOWN, self.load, self._asked

    def heard_within(self, seconds: float) -> bool:
        """Whether an answer of this server began so short a time ago."""
        return time.monotonic() - self._heard < seconds

    def gone(self, failure: ProviderError) -> None:
        """It does not even answer a knock: ask it no more until it does."""
        self.breaker.lost(failure)
        self._failed = time.monotonic()

    def back(self) -> None:
        """It answers knocks."""
        if self.breaker.is_lost:
            self.worked()

    def worked(self) -> None:
        """Forget the failures of before."""
        self.breaker.succeeded()
        self._heard = time.monotonic()
        self._failed = self._refused_first = self._refused_last = float("-inf")

    def failed(self, failure: ProviderError) -> None:
        """Ask others first for a while; after some failures in a row, ask it no more for a while."""
        self.breaker.failed(failure)
        self._failed = time.monotonic()

    def is_starting(self, failure: ProviderError) -> bool:
        """Whether a broken or refused connection only means that our own process is not up yet, or up again."""
        if not (self._started_by_us and isinstance(failure, Unreachable)):
            return False
        now = time.monotonic()
        if now - self._refused_last > NEW_START:
            self._refused_first = now
        self._refused_last = now
        return now - self._refused_first < START_GRACE


def gate_for(kind: str, servers: int, settings: LlmSettings) -> Gate:
    """One line for all processes where a server answers few at once or AI_SLOTS says so, else a wide gate for each."""
    limit = settings.slots.get(kind, SLOTS.get(kind, OTHER_SLOTS)) * max(1, servers)
    if kind not in SHARED and kind not in settings.slots:
        return Gate(limit)
    return SharedGate(kind, limit, settings.redis_url) if settings.redis_url else Gate(limit, shared_out=True)


class Farm:
    """All servers of a kind behind one gate. `known` is what they said last about their models."""

    def __init__(self, kind: str, providers: Sequence[Provider], settings: LlmSettings | None = None) -> None:
        self.kind = kind
        self.backends = [Backend(provider, started_by_us=kind in STARTED_BY_US) for provider in providers]
        self.gate = gate_for(kind, len(providers), settings or LlmSettings())
        self.known: list[ModelInfo] = []
        self.found = False  # whether a server answered when they were last asked
        self._fresh_until = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    def pick(self, tried: Sequence[Backend] = (), *, last_resort: bool = False) -> Backend | None:
        """The least busy server that was not tried yet and whose breaker lets a call through.

        Where nobody else could answer (`last_resort`) an open breaker spares nobody anything: then it is asked all
        the same, so that a server is used again from the moment on in which it is back.
        """
        untried = [backend for backend in self.backends if backend not in tried]
        free = [backend for backend in untried if backend.breaker.lets_through()]
        return min(free or (untried if last_resort else []), key=lambda backend: backend.rank, default=None)

    def has_others(self, tried: Sequence[Backend]) -> bool:
        """Whether another server than these would be asked."""
        return any(backend not in tried and backend.breaker.lets_through() for backend in self.backends)

    def resting(self) -> Resting:
        """What to tell where `pick` finds nobody: of the server that may be asked first again."""
        return min((b.breaker for b in self.backends), key=lambda breaker: breaker.wait).refusal(self.kind)

    def conditions(self) -> list[Condition]:
        """One for each server, numbered from 1 in the order of the settings."""
        breakers = ((number, backend.breaker) for number, backend in enumerate(self.backends, 1))
        return [
            Condition(self.kind, number, b.state, b.failures, b.wait, b.last_failure.message if b.last_failure else "")
            for number, b in breakers
        ]

    def model(self, name: str) -> ModelInfo | None:
        """What is known of a model; of the first one where no name is given."""
        return next((info for info in self.known if not name or info.name == name), None)

    def refresh_soon(self) -> None:
        """Ask for the models in the background where what is known is old; without a running loop nothing happens."""
        if time.monotonic() < self._fresh_until or not self.backends:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._refreshing is not None and not self._refreshing.done() and self._refreshing.get_loop() is loop:
            return
        self._fresh_until = time.monotonic() + FRESH_AFTER_FAILURE
        self._refreshing = loop.create_task(self._refresh_quietly())

    def forget(self) -> None:
        """What is known of the models is old from now on: one was installed or removed."""
        self._fresh_until = float("-inf")

    async def refresh(self) -> None:
        """Ask for the models where what is known is old; raises the last failure where no server answers.

        A server that is known to be away is not waited for: the watch says when it is back.
        """
        if time.monotonic() < self._fresh_until and self.known:
            return
        found: dict[str, ModelInfo] = {}
        failure: ProviderError | None = None
        for backend in self.backends:
            if backend.breaker.is_lost:
                failure = self.resting()
                continue
            try:
                found |= {info.name: info for info in await backend.provider.models()}
            except ProviderError as error:
                failure = error
        self.found = failure is None or bool(found)
        if failure is not None and not found:
            raise failure
        self.known = list(found.values())
        self._fresh_until = time.monotonic() + FRESH

    async def close(self) -> None:
        """Close all connections of the running loop."""
        await self.gate.close()
        if self._refreshing is not None and self._refreshing.get_loop() is asyncio.get_running_loop():
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        for backend in self.backends:
            await backend.provider.close()

    async def _refresh_quietly(self) -> None:
        self._fresh_until = float("-inf")
        try:
            await self.refresh()
        except ProviderError:
            self._fresh_until = time.monotonic() + FRESH_AFTER_FAILURE


class Farms:
    """The farms of all kinds, made when they are first asked for. `providers` takes the place of configured ones."""

    def __init__(self, settings: LlmSettings, providers: Mapping[str, Sequence[Provider]]) -> None:
        self._settings = settings
        self._made = {kind: Farm(kind, given, settings) for kind, given in providers.items()}
        self.kinds = tuple(dict.fromkeys((*self._made, *(kind for kind in settings.kinds if kind in BUILDERS))))

    def __getitem__(self, kind: str) -> Farm:
        if kind not in self._made:
            self._made[kind] = Farm(kind, build(kind, self._settings), self._settings)
        return self._made[kind]

    def made(self) -> list[Farm]:
        """Those that somebody has asked for already."""
        return list(self._made.values())
