"""The gate before a model: so many answers at once, the others wait in a fair line and know their place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

REMEMBERED = 1000  # people whose rounds are kept while nobody of them waits


class Gate:
    """Lets `limit` tickets in at once. Belongs to one event loop.

    The line is fair to people and not to requests: whoever has fewest answers running comes first, then whose turn it
    is in the round, then who came first. With `shared_out`, once two people are known, one alone gets at most half of
    the places, so that a newcomer never waits for somebody who took them all.
    """

    def __init__(self, limit: int, *, shared_out: bool = False) -> None:
        self.limit = limit
        self._shared_out = shared_out
        self._inside: dict[Ticket, None] = {}
        self._line: dict[Ticket, None] = {}
        self._held: Counter[str] = Counter()  # answers inside, by person
        self._rounds: dict[str, int] = {}
        self._round = 0

    @property
    def inside(self) -> int:
        """How many answers of this process are inside."""
        return len(self._inside)

    @property
    def waiting(self) -> int:
        """How many of this process stand in the line."""
        return len(self._line)

    def take(self, who: str = "") -> Ticket:
        """A ticket for somebody: already inside where there is room, else in the line. It must be released."""
        ticket = Ticket(self, who)
        self._know(who)
        self._line[ticket] = None
        self._settle()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place back, or step out of the line; harmless to repeat."""
        if ticket in self._inside:
            del self._inside[ticket]
            ticket.inside = False
            self._held[ticket.who] -= 1
        elif ticket in self._line:
            del self._line[ticket]
        else:
            return
        self._settle()

    async def close(self) -> None:
        """Let go of what is open."""

    def _settle(self) -> None:
        """Let in whom there is room for, and tell the others their places."""
        if not self._line:
            return
        place = 0
        for ticket in self._ordered():
            if len(self._inside) < self.limit and self._held[ticket.who] < self._share():
                self._admit(ticket)
            else:
                place += 1
                ticket.move(place)

    def _ordered(self) -> list[Ticket]:
        """The line as it will be served."""
        if len(self._line) == 1:
            return list(self._line)
        before: Counter[str] = Counter()
        keyed: list[tuple[int, int, int, Ticket]] = []
        for number, ticket in enumerate(self._line):
            ahead = before[ticket.who]
            keyed.append((self._held[ticket.who] + ahead, self._rounds[ticket.who] + ahead, number, ticket))
            before[ticket.who] += 1
        return [ticket for _, _, _, ticket in sorted(keyed)]

    def _share(self) -> int:
        """How many places one person may have."""
        return (self.limit + 1) // 2 if self._shared_out and len(self._rounds) > 1 else self.limit

    def _know(self, who: str) -> None:
        """Whoever waits for nothing yet begins in the present round: nobody saves up turns by not asking."""
        if len(self._rounds) > REMEMBERED:
            waiting = {ticket.who for ticket in self._line}
            self._rounds = {name: turn for name, turn in self._rounds.items() if name in waiting}
            self._held = +self._held
        if all(ticket.who != who for ticket in self._line):
            self._rounds[who] = max(self._round, self._rounds.get(who, 0))

    def _admit(self, ticket: Ticket) -> None:
        del self._line[ticket]
        self._inside[ticket] = None
        self._held[ticket.who] += 1
        self._round = max(self._round, self._rounds[ticket.who])
        self._rounds[ticket.who] += 1
        ticket.inside = True
        ticket.move(0)


class Ticket:
    """One answer's right to be generated, now or later. `place` counts from 1; 0 is inside or not known yet."""

    def __init__(self, gate: Gate, who: str) -> None:
        self.who = who
        self.inside = False
        self.place = 0
        self._gate = gate
        self._moved = asyncio.Event()

    async def places(self) -> AsyncGenerator[int, None]:
        """The places in the line as they change, until the ticket is inside; nothing where there is no wait."""
        while not self.inside:
            self._moved.clear()
            if self.place:
                yield self.place
            if not self.inside:
                await self._moved.wait()

    def move(self, place: int) -> None:
        """Told by the gate."""
        if place != self.place or self.inside:
            self.place = place
            self._moved.set()

    def release(self) -> None:
        """Give the place back; harmless to repeat."""
        self._gate.leave(self)
