"""Which provider and model answers, when it is its turn, and who stands in when it cannot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from apps.llm.configuration import configured, default_options
from apps.llm.errors import Loading, ModelMissing, ProviderError, TimedOut, Unreachable
from apps.llm.events import Chosen, Event, Progress, RouterEvent
from apps.llm.farm import Backend, Condition, Farm
from apps.llm.gate import Gate
from apps.llm.messages import Call
from apps.llm.providers.base import ModelInfo, Provider
from apps.llm.registry import BUILDERS, build
from apps.llm.settings import LlmSettings

__all__ = ["Offer", "Router", "Target", "default_options", "router", "use"]

WINDOWS = {"builtin": 4096, "gemini": 30_000}
OTHER_WINDOW = 8192
LOAD_LIMIT = 60.0
CHOICE_LIMIT = 200
POLL = 0.25
START_HINT = "Start Nitro with `nitro up`, which brings a model along, or set OPENAI_BASE_URL or GEMINI_API_KEY."
KIND_HINT = "Choose one of: {}. A model of a server is written kind:model, such as openai:gpt-4o-mini."


@dataclass(frozen=True, slots=True)
class Target:
    """Who shall answer. `choice` is what was asked for; `model` may be empty until the server has told its models."""

    provider: str
    model: str
    context_window: int
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be chosen: `choice` is what `Router.resolve` takes."""

    choice: str
    provider: str
    info: ModelInfo


class Router:
    """One per process. `providers` takes the place of the configured ones, for tests."""

    def __init__(self, settings: LlmSettings, providers: Mapping[str, Sequence[Provider]] | None = None) -> None:
        self.settings = settings
        self._farms = {kind: Farm(kind, given, settings) for kind, given in (providers or {}).items()}
        self.kinds = tuple(dict.fromkeys((*self._farms, *(k for k in settings.kinds if k in BUILDERS))))

    def resolve(self, choice: str = "") -> Target:
        """Who answers a choice: "" for the default, `kind`, `kind:model`, or the bare name of a known model.

        Asks no server; what servers have said is kept and asked anew in the background. Raises `ModelMissing`.
        """
        kind, model = self._split(choice)
        farm = self._farm(kind)
        farm.refresh_soon()
        model = model or self._default_model(farm)
        info = farm.model(model)
        window = info.context_window if info is not None else 0
        return Target(kind, model, window or WINDOWS.get(kind, OTHER_WINDOW), choice)

    def look_around(self) -> None:
        """Ask in the background whether Ollama is there, where that matters. Call it from the loop, as early as can be.

        A question never waits for it: the first one after the start may go to another model.
        """
        if self.settings.ai_model == "auto" and "ollama" in self.kinds and not self.settings.openai_base_urls:
            self._farm("ollama").refresh_soon()

    async def stream(self, target: Target, call: Call, *, who: str = "") -> AsyncGenerator[RouterEvent, None]:
        """Yield progress, then who was chosen, then the answer. `call.model` is ignored: the target names the model.

        `who` is the person for whom it is done, in any form: the line before a model is fair to people.
        A provider that fails before its first word, and not permanently, is replaced by the next of AI_FALLBACK; if
        none answers, the first one's error is raised. Closing the generator leaves the line and stops the provider.
        """
        self.look_around()
        first: ProviderError | None = None
        begun = False
        candidates = self._candidates(target)
        for candidate in candidates:
            chosen = Chosen(candidate.provider, candidate.model, "" if candidate is target else target.provider)
            try:
                async with aclosing(
                    self._queued(candidate, call, chosen, who, last_resort=candidate is candidates[-1])
                ) as events:
                    async for event in events:
                        begun = begun or not isinstance(event, Progress)
                        yield event
                return
            except ProviderError as failure:
                if begun:
                    raise
                first = first or failure
            if first.permanent:
                break
        if first is not None:
            raise first

    async def models(self) -> list[Offer]:
        """What can be chosen now: the models of all servers that answer."""
        farms = [self._farm(kind) for kind in self.kinds]
        await asyncio.gather(*(farm.refresh() for farm in farms), return_exceptions=True)
        return [Offer(f"{farm.kind}:{info.name}", farm.kind, info) for farm in farms for info in farm.known]

    def models_changed(self) -> None:
        """A model was installed or removed: the next look at the models asks their servers."""
        for farm in self._farms.values():
            farm.forget()

    def conditions(self) -> list[Condition]:
        """How the servers of this process are, as far as it has asked any; asks none."""
        return [condition for farm in self._farms.values() for condition in farm.conditions()]

    def gate(self, kind: str) -> Gate:
        """The line before the servers of a kind."""
        return self._farm(kind).gate

    async def close(self) -> None:
        """Close all connections of the running loop."""
        for farm in self._farms.values():
            await farm.close()

    def _split(self, choice: str) -> tuple[str, str]:
        if not choice:
            return self._default_kind(), ""
        if len(choice) > CHOICE_LIMIT or not choice.isprintable():
            raise ModelMissing("No model has a name like that.", hint=KIND_HINT.format(", ".join(self.kinds)))
        kind, _, model = choice.partition(":")
        if kind in self.kinds:
            return kind, model
        for farm in self._farms.values():
            if farm.model(choice) is not None:
                return farm.kind, choice
        raise ModelMissing(f"There is no model {choice!r}.", hint=KIND_HINT.format(", ".join(self.kinds)))

    def _default_kind(self) -> str:
        kind = self.settings.ai_model
        if kind == "auto":
            kind = self._best_kind()
        if kind not in self.kinds:
            raise ModelMissing(f"AI_MODEL is {kind}, which is not here.", hint=KIND_HINT.format(", ".join(self.kinds)))
        return kind

    def _best_kind(self) -> str:
        """What `auto` stands for: a server that was configured, Ollama where it was found, a key, what we bring."""
        if self.settings.openai_base_urls:
            return "openai"
        ollama = self._farm("ollama") if "ollama" in self.kinds else None
        if ollama is not None and ollama.found and ollama.known:
            return "ollama"
        return "gemini" if self.settings.gemini_api_key else "builtin"

    def _default_model(self, farm: Farm) -> str:
        if farm.kind == "ollama":
            return self._ollama_model(farm)
        configured = {"openai": self.settings.openai_model, "gemini": self.settings.gemini_model}.get(farm.kind, "")
        info = farm.model(configured)
        return configured or (info.name if info is not None else "")

    def _ollama_model(self, farm: Farm) -> str:
        """OLLAMA_MODEL; where AI_MODEL is auto and Ollama does not have that one, any that it has."""
        configured = self.settings.ollama_model
        if configured and (self.settings.ai_model != "auto" or not farm.known or farm.model(configured)):
            return configured
        info = farm.model("")
        return info.name if info is not None else ""

    def _farm(self, kind: str) -> Farm:
        if kind not in self._farms:
            self._farms[kind] = Farm(kind, build(kind, self.settings), self.settings)
        return self._farms[kind]

    def _candidates(self, target: Target) -> list[Target]:
        """The target, then the fallbacks that are not the target's own kind."""
        names = list(self.settings.ai_fallback)
        if target.provider == "ollama" and not target.choice and self.settings.ai_model == "auto":
            names.append("builtin")  # nobody asked for Ollama, so nobody shall miss it
        others = [kind for kind in dict.fromkeys(names) if kind != target.provider and kind in self.kinds]
        return [target, *(self.resolve(kind) for kind in others)]

    async def _queued(
        self, target: Target, call: Call, chosen: Chosen, who: str, *, last_resort: bool
    ) -> AsyncGenerator[RouterEvent, None]:
        """Wait for a place, then answer."""
        farm = self._farm(target.provider)
        if not farm.backends:
            raise Unreachable(f"The provider {farm.kind} is not set up.", hint=START_HINT)
        farm.refresh_soon()
        ticket = farm.gate.take(who)
        try:
            async with aclosing(ticket.places()) as places:
                async for place in places:
                    yield Progress("queued", place)
            async with aclosing(self._patient(farm, target, call, chosen, last_resort=last_resort)) as events:
                async for event in events:
                    yield event
        finally:
            ticket.release()

    async def _patient(
        self, farm: Farm, target: Target, call: Call, chosen: Chosen, *, last_resort: bool
    ) -> AsyncGenerator[RouterEvent, None]:
        """Answer from one of the farm's servers: wait for a model that is loading, pass over a server that is away."""
        give_up = time.monotonic() + LOAD_LIMIT
        tried: list[Backend] = []
        last: ProviderError | None = None
        while (backend := farm.pick(tried, last_resort=last_resort)) is not None:
            with backend.breaker.attempt():
                yield Progress("reading")
                begun = False
                try:
                    named = await self._named(farm, target, call)
                    async with aclosing(_answer(backend, named)) as events:
                        async for event in events:
                            if not begun:
                                begun = True
                                backend.worked()
                                yield replace(chosen, model=named.model)
                            yield event
                    return
                except ProviderError as failure:
                    if begun:
                        raise
                    if failure.permanent:
                        backend.breaker.succeeded()  # it is there, and said no
                        raise
                    loading, last = isinstance(failure, Loading) or backend.is_starting(failure), failure
                if loading:
                    yield Progress("loading")
                    await _until_ready(backend, give_up)
                    continue
                backend.failed(last)
                tried.append(backend)
        raise last or farm.resting()

    async def _named(self, farm: Farm, target: Target, call: Call) -> Call:
        """The call with the model's name in it; asks the server where nobody has named one."""
        model = target.model or self._default_model(farm)
        if not model:
            await farm.refresh()
            model = self._default_model(farm)
        if not model:
            raise ModelMissing(f"The provider {farm.kind} has no models.")
        return replace(call, model=model)


async def _answer(backend: Backend, call: Call) -> AsyncGenerator[Event, None]:
    with backend.busy():
        async with aclosing(backend.provider.stream(call)) as events:
            async for event in events:
                yield event


async def _until_ready(backend: Backend, give_up: float) -> None:
    """Poll until the model is loaded. Raises what the provider says when it is away, `TimedOut` at the given time."""
    while time.monotonic() < give_up:
        await asyncio.sleep(POLL)
        try:
            if await backend.provider.ready():
                return
        except ProviderError as failure:
            if not (isinstance(failure, Loading) or backend.is_starting(failure)):
                raise
    raise TimedOut("The model was not loaded in time.")


class _Process:
    """What this process has made already."""

    router: Router | None = None


def router() -> Router:
    """The one router of this process, made from Django's settings at first use."""
    if _Process.router is None:
        _Process.router = Router(configured())
    return _Process.router


def use(replacement: Router | None) -> Router | None:
    """Put another router in the place of this process's, for tests; None lets the next use make a new one."""
    before, _Process.router = _Process.router, replacement
    return before
