"""One simulated person: somebody who asks, reads, thinks, and now and then stops, reloads or opens a tab."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import aiohttp

from benchmarks.household import Seat
from benchmarks.load.heard import Frames, Heard, accepted, has_words, heard, last_seq, together
from benchmarks.load.profiles import Habits, Plan
from benchmarks.load.tab import Tab
from benchmarks.wire import Turn

PATIENCE = 60.0  # seconds for one turn, after which it has failed
LOOK = 0.2  # seconds between two looks at what has come
AWAY = 0.3  # seconds that a page needs to be there again
QUESTIONS = (
    "And why is that so?",
    "Tell me about the number {n}, please.",
    "I have {n} apples and give away a third of them. How many are left, and how did you reckon it?",
    "Here is what I have written so far; please make it shorter and friendlier. " * 6 + "This was draft {n}.",
)


@dataclass
class World:
    """What all people share. `model` names the model for an answer of so many tokens, "" for the default one."""

    port: int
    http: aiohttp.ClientSession
    habits: Habits
    rate: float
    model: Callable[[int], str]
    heard: list[Heard] = field(default_factory=list)
    asking: dict[int, Turn] = field(default_factory=dict)  # the turn that each of them asked for and that has not ended
    conversations: int = 0

    def waiting(self, now: float) -> list[float]:
        """For how many seconds each of those waits who has asked and heard no word yet."""
        return [now - turn.asked for turn in self.asking.values() if not has_words(turn.frames)]

    @property
    def base(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}"


class Person:
    """Lives until cancelled."""

    def __init__(self, world: World, number: int, seat: Seat, key: str) -> None:
        self.world, self.number, self.seat, self.key = world, number, seat, key
        self.dice = random.Random(number)
        self.tab: Tab | None = None

    async def live(self, late: float) -> None:
        """Come after `late` seconds and ask one question after the other."""
        await asyncio.sleep(late)
        self.world.conversations += 1
        while True:
            plan = self.world.habits.plan(self.dice, self.world.rate)
            self.world.heard.append(await self.turn(plan))
            await asyncio.sleep(plan.pause)
            if not plan.goes_on:
                await self.begin_anew()

    async def turn(self, plan: Plan) -> Heard:
        """One question and its answer, however it is disturbed; a fault of the server's becomes an error."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.ask(plan)
        except TimeoutError:
            error = "timed out"
        except (OSError, aiohttp.ClientError) as fault:
            error = type(fault).__name__
        finally:
            self.world.asking.pop(self.number, None)
        self.leave()
        return Heard(float("inf"), error=error, act=plan.act)

    async def ask(self, plan: Plan) -> Heard:
        """Ask, do what the plan says while the answer comes, and read it."""
        tab = await self.at_page()
        text = self.dice.choice(QUESTIONS).format(n=self.dice.randrange(10**6))
        model = self.world.model(plan.tokens)
        # The stand-in's models say how long an answer is, a real one is told where to end.
        wish: dict[str, object] = {"model": model} if model else {"options": {"max_tokens": plan.tokens}}
        turn = tab.ask(text, cache=True, **wish)
        self.world.asking[self.number] = turn
        views = await self.views(tab, turn, plan)
        wanted = plan.tokens if model else None
        return together([heard(turn.asked, frames, accepted(turn.frames), wanted, plan.act) for frames in views])

    async def views(self, tab: Tab, turn: Turn, plan: Plan) -> list[Frames]:
        """The frames of the whole turn, as each tab that has heard all of it heard it."""
        if plan.act != "read":
            await self.some_words(turn)
        name = accepted(turn.frames)
        if plan.act == "reload" and name and not turn.ended.done():
            return [[*turn.frames, *await self.reload(tab, turn, name)]]
        other = await self.second_tab(name) if plan.act == "second tab" and name else None
        if plan.act == "stop" and name:
            tab.stop(name)
        await turn.ended
        self.world.asking.pop(self.number, None)
        return [turn.frames] if other is None else [turn.frames, other]

    async def some_words(self, turn: Turn) -> None:
        """Read on until a moment within the answer, or its end."""
        deltas = self.dice.randrange(2, 8)
        while len(turn.frames) < deltas and not turn.ended.done():
            await asyncio.wait([turn.ended], timeout=LOOK)

    async def reload(self, tab: Tab, turn: Turn, name: str) -> Frames:
        """Lose the socket, load the page anew, and hear the rest."""
        tab.abort()
        await asyncio.sleep(AWAY)
        rest = (await self.at_page()).attach(name, last_seq(turn.frames, name))
        await rest.ended
        return rest.frames

    async def second_tab(self, name: str) -> Frames:
        """Open the conversation once more, and hear the running turn from its beginning."""
        other = await self.opened()
        try:
            turn = other.attach(name, 0)
            await turn.ended
        finally:
            other.close()
        return turn.frames

    async def at_page(self) -> Tab:
        """The tab, opened anew where there is none."""
        if self.tab is None or not self.tab.is_open:
            self.tab = await self.opened()
        return self.tab

    async def opened(self) -> Tab:
        """Load the page of the conversation and open its socket."""
        url = f"{self.world.base}/c/{self.seat.conversation}/"
        async with self.world.http.get(url, headers={"Cookie": self.seat.cookie}) as answer:
            await answer.read()
            answer.raise_for_status()
        return await Tab.connect(self.world.port, self.seat.path, self.seat.cookie)

    async def begin_anew(self) -> None:
        """Leave the conversation, and begin another one."""
        self.leave()
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            async with self.world.http.post(
                f"{self.world.base}/api/conversations/", json={}, headers=headers
            ) as answer:
                answer.raise_for_status()
                self.seat = replace(self.seat, conversation=str((await answer.json())["id"]))
        except (OSError, aiohttp.ClientError) as fault:
            self.world.heard.append(Heard(float("inf"), error=type(fault).__name__, act="begin"))
        self.world.conversations += 1

    def leave(self) -> None:
        """Close the tab."""
        if self.tab is not None:
            self.tab.close()
            self.tab = None
