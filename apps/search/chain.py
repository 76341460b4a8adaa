"""Which search engine is asked, how often, and who is asked instead of one that fails."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from apps.search.providers.base import Engine, EngineAway, EngineError, EngineLimited
from apps.search.resting import Rests, seconds_of_rest
from apps.search.values import Result

MINUTE = 60.0
REST = 5.0  # seconds that an engine is left alone after any other failure than a limit
Admit = Callable[[Engine], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking: the engine and its results; `problems` are those of engines that failed before it."""

    engine: str
    results: Sequence[Result]
    problems: Sequence[EngineError] = ()

    @property
    def offline(self) -> bool:
        """Whether nobody could be reached at all, rather than that they refused."""
        away = all(isinstance(problem, EngineAway) for problem in self.problems)
        return not self.engine and bool(self.problems) and away


@dataclass(slots=True)
class Link:
    """One engine, and what this process remembers of it."""

    engine: Engine
    asked: deque[float] = field(default_factory=deque)
    limits: int = 0  # times in a row that it limited us
    resting_until: float = 0.0
    last: EngineError | None = None

    def problem(self, now: float) -> EngineError | None:
        """Why it should not be asked right now, if so."""
        while self.asked and now - self.asked[0] > MINUTE:
            self.asked.popleft()
        if now < self.resting_until:
            return self.last
        if len(self.asked) < self.engine.per_minute:
            return None
        wait = MINUTE - (now - self.asked[0])
        return EngineLimited(f"{self.engine.kind} is not asked for the next {wait:.0f} s.", retry_after=wait)

    def rest(self, error: EngineError, seconds: float) -> None:
        """Leave it alone for a while."""
        self.last, self.resting_until = error, time.monotonic() + seconds


class Chain:
    """One per process: engines in the order in which they are asked.

    `admit` counts a question to an engine for all processes, and says for how many seconds it is one too many; `rests`
    know which engine has limited one of them.
    """

    def __init__(self, engines: Sequence[Engine], admit: Admit | None = None, rests: Rests | None = None) -> None:
        self._links = [Link(engine) for engine in engines]
        self._admit = admit
        self._rests = rests

    @property
    def kinds(self) -> list[str]:
        return [link.engine.kind for link in self._links]

    async def search(self, query: str, count: int) -> Answered:
        """Ask one engine after the other until one answers; none of them ever raises through here."""
        problems: list[EngineError] = []
        for link in self._links:
            problem = link.problem(time.monotonic())
            if problem is None:
                try:
                    return Answered(link.engine.kind, await self._ask(link, query, count), problems)
                except EngineError as error:
                    problem = error
            problems.append(problem)
        return Answered("", [], problems)

    async def _ask(self, link: Link, query: str, count: int) -> list[Result]:
        await self._knock(link)
        link.asked.append(time.monotonic())
        try:
            results = await link.engine.search(query, count)
        except EngineError as error:
            link.rest(error, await self._rest_after(link, error))
            raise
        if link.limits and self._rests is not None:
            await self._rests.end(link.engine.kind)
        link.limits, link.resting_until = 0, 0.0
        return results

    async def _knock(self, link: Link) -> None:
        """Raise what another process knows against asking now, or count the question for all of them."""
        kind, wait = link.engine.kind, 0.0
        if self._rests is not None and (wait := await self._rests.left(kind)) > 0:
            link.limits = max(link.limits, 1)
            problem = EngineLimited(f"{kind} is left alone for the next {wait:.0f} s.", retry_after=wait)
            link.rest(problem, wait)
            raise problem
        if self._admit is not None and (wait := await self._admit(link.engine)) > 0:
            raise EngineLimited(f"{kind} is not asked for the next {wait:.0f} s.", retry_after=wait)

    async def _rest_after(self, link: Link, error: EngineError) -> float:
        """Seconds; longer each time that it limits."""
        if not isinstance(error, EngineLimited):
            return REST
        link.limits += 1
        told = error.retry_after or 0.0
        if self._rests is None:
            return seconds_of_rest(link.limits, told)
        return await self._rests.begin(link.engine.kind, link.limits, told)
