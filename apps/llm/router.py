"""Which provider and model answers, when it is its turn, and who stands in when it cannot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

from apps.core import spans
from apps.llm.choice import Choices, Offer, Target
from apps.llm.configuration import configured, default_options
from apps.llm.drains import Drains, from_rows, refusal
from apps.llm.errors import Loading, ModelMissing, ProviderError, TimedOut, Unreachable
from apps.llm.events import Chosen, Event, Progress, RouterEvent
from apps.llm.farm import Backend, Condition, Farm, Farms
from apps.llm.gate import Gate
from apps.llm.health import Watch
from apps.llm.messages import Call
from apps.llm.providers.base import Provider
from apps.llm.providers.embeddings import Embedding
from apps.llm.reaching import GRACE, KNOCK, answer, until_ready
from apps.llm.settings import LlmSettings

__all__ = ["Offer", "Router", "Target", "default_options", "router", "use"]

SEEING = frozenset({"vision", "image"})
BLIND = frozenset({"builtin"})  # where nothing else is told
LOAD_LIMIT = 60.0
NAMING = 0.15  # seconds for which a question waits to hear what its model is called
START_HINT = "Start Nitro with `nitro up`, which brings a model along, or set OPENAI_BASE_URL or GEMINI_API_KEY."


class Router:
    """One per process. `providers` takes the place of the configured ones, for tests."""

    def __init__(
        self,
        settings: LlmSettings,
        providers: Mapping[str, Sequence[Provider]] | None = None,
        drains: Drains | None = None,
    ) -> None:
        self.settings = settings
        self._drains = drains or Drains()
        self._farms = Farms(settings, providers or {})
        self._choices = Choices(settings, self._farms)
        self._watch = Watch(settings, self._farms)
        self.kinds = self._farms.kinds

    def resolve(self, choice: str = "") -> Target:
        """Who answers a choice: "" for the default, `kind`, `kind:model`, or the bare name of a known model.

        Asks no server; what servers have said is kept and asked anew in the background. Raises `ModelMissing`.
        """
        return self._choices.resolve(choice)

    async def named(self, target: Target) -> Target:
        """The target with its model's name, asked of the server where nobody has named one; as it is where that fails.

        A server that needs longer is asked again, and patiently, when it is asked the question.
        """
        farm = self._farms[target.provider]
        if target.model or not farm.backends:
            return target
        with suppress(ProviderError, TimeoutError):
            async with asyncio.timeout(NAMING):
                await farm.refresh()
        return replace(target, model=self._choices.default_model(farm))

    def sees(self, target: Target) -> bool:
        """Whether a model can look at pictures; of servers that tell nothing of their models it is assumed."""
        info = self._farms[target.provider].model(target.model)
        told = info.abilities if info is not None else frozenset()
        return bool(told & SEEING) if told else target.provider not in BLIND

    def look_around(self) -> None:
        """Ask in the background whether Ollama is there, where that matters. Call it from the loop, as early as can be.

        A question never waits for it: the first one after the start may go to another model.
        """
        if self.settings.ai_model == "auto" and "ollama" in self.kinds and not self.settings.openai_base_urls:
            self._farms["ollama"].refresh_soon()

    def keep_watch(self) -> None:
        """From now on knock at all configured servers in the background of the running loop, until `close`."""
        self._watch.begin()

    async def stream(self, target: Target, call: Call, *, who: str = "") -> AsyncGenerator[RouterEvent, None]:
        """Yield progress, then who was chosen, then the answer. `call.model` is ignored: the target names the model.

        `who` is the person for whom it is done, in any form: the line before a model is fair to people.
        A provider that fails before its first word, and not permanently, is replaced by the next of AI_FALLBACK; if
        none answers, the first one's error is raised. Closing the generator leaves the line and stops the provider.
        One that an administrator lets rest is passed over; `Drained` says why where nobody else is left.
        """
        self.look_around()
        first: ProviderError | None = None
        begun = False
        candidates, rests = await self._awake(target)
        for candidate in candidates:
            chosen = Chosen(candidate.provider, candidate.model)
            if candidate is not target:
                chosen = replace(chosen, fallback_from=target.provider, fallback_reason=rests)
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

    async def embed(self, target: Target, texts: Sequence[str], *, who: str = "") -> Embedding:
        """Each text as a vector, from the least busy server of the target's kind. Raises a `ProviderError`.

        There is no fallback: vectors of another model do not fit to those that somebody has kept.
        """
        if (reason := (await self._drains.fresh()).get(target.provider)) is not None:
            raise refusal(target.provider, reason)
        farm = self._farms[target.provider]
        backend = farm.pick(last_resort=True)
        if backend is None:
            raise self._missing(farm.kind)
        ticket = farm.gate.take(who)
        try:
            async with aclosing(ticket.places()) as places:
                async for _ in places:
                    pass
            model = target.model or self._choices.default_model(farm)
            return await backend.provider.embed(model, texts)
        finally:
            ticket.release()

    async def models(self) -> list[Offer]:
        """What can be chosen now: the models of all servers that answer."""
        farms = [self._farms[kind] for kind in self.kinds]
        await asyncio.gather(*(farm.refresh() for farm in farms), return_exceptions=True)
        return [Offer(f"{farm.kind}:{info.name}", farm.kind, info) for farm in farms for info in farm.known]

    def models_changed(self) -> None:
        """A model was installed or removed: the next look at the models asks their servers."""
        for farm in self._farms.made():
            farm.forget()

    def conditions(self) -> list[Condition]:
        """How the servers of this process are, as far as it has asked any; asks none."""
        return [condition for farm in self._farms.made() for condition in farm.conditions()]

    def gate(self, kind: str) -> Gate:
        """The line before the servers of a kind."""
        return self._farms[kind].gate

    async def close(self) -> None:
        """Close all connections of the running loop."""
        await self._watch.close()
        for farm in self._farms.made():
            await farm.close()

    async def _awake(self, target: Target) -> tuple[list[Target], str]:
        """Whom to ask, in order, without those that rest; and why the target rests, where it does."""
        drained = await self._drains.fresh()
        asleep = drained.get(target.provider)
        named = self._choices.candidates(target) if asleep is None else self._choices.instead(target)
        found = [one for one in named if one.provider not in drained]
        if not found:
            raise refusal(target.provider, asleep or "")
        return found, asleep or ""

    async def _queued(
        self, target: Target, call: Call, chosen: Chosen, who: str, *, last_resort: bool
    ) -> AsyncGenerator[RouterEvent, None]:
        """Wait for a place, then answer."""
        farm = self._farms[target.provider]
        if not farm.backends:
            raise self._missing(farm.kind)
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

    def _missing(self, kind: str) -> Unreachable:
        """What to tell of a provider without servers: the setting that is wrong, where one is."""
        for flaw in self.settings.flaws:
            if flaw.kind == kind:
                return Unreachable(flaw.message, hint=flaw.hint)
        return Unreachable(f"The provider {kind} is not set up.", hint=START_HINT)

    async def _patient(
        self, farm: Farm, target: Target, call: Call, chosen: Chosen, *, last_resort: bool
    ) -> AsyncGenerator[RouterEvent, None]:
        """Answer from one of the farm's servers: wait for a model that is loading, pass over a server that is away."""
        give_up = time.monotonic() + LOAD_LIMIT
        tried: list[Backend] = []
        last: ProviderError | None = None
        while (backend := farm.pick(tried, last_resort=last_resort)) is not None:
            watched = not last_resort or farm.has_others([*tried, backend])
            with backend.breaker.attempt():
                yield Progress("reading")
                begun = False
                try:
                    named = await self._named(farm, target, call, watched=watched)
                    async with aclosing(seen(farm.kind, named, answer(backend, named, watched=watched))) as events:
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
                    await until_ready(backend, give_up)
                    continue
                backend.failed(last)
                tried.append(backend)
        raise last or farm.resting()

    async def _named(self, farm: Farm, target: Target, call: Call, *, watched: bool) -> Call:
        """The call with the model's name in it; asks the server where nobody has named one."""
        model = target.model or self._choices.default_model(farm)
        if not model:
            try:
                async with asyncio.timeout(GRACE + KNOCK if watched else None):
                    await farm.refresh()
            except TimeoutError as error:
                raise TimedOut(f"The provider {farm.kind} does not say which models it has.") from error
            model = self._choices.default_model(farm)
        if not model:
            raise ModelMissing(f"The provider {farm.kind} has no models.")
        return replace(call, model=model)


def seen(kind: str, call: Call, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """The same events; a span of a trace around them where somebody looks on."""
    return _seen(kind, call, events) if spans.is_on() else events


async def _seen(kind: str, call: Call, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    span = spans.begin("provider", nitro__provider=kind, nitro__model=call.model)
    failure: ProviderError | None = None
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except ProviderError as error:
        failure = error
        raise
    finally:
        spans.end(span, failure)


class _Process:
    """What this process has made already."""

    router: Router | None = None


def router() -> Router:
    """The one router of this process, made from Django's settings at first use."""
    if _Process.router is None:
        _Process.router = Router(configured(), drains=Drains(from_rows))
    return _Process.router


def use(replacement: Router | None) -> Router | None:
    """Put another router in the place of this process's, for tests; None lets the next use make a new one."""
    before, _Process.router = _Process.router, replacement
    return before
