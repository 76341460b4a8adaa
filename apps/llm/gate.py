"""The gate before a model: so many answers at once, the others wait in line and know their place.

It is fair by order of arrival within one process. A fair share per user, or a line common to all processes, would take
the place of this class and keep its two verbs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator


class Gate:
    """Lets `limit` tickets in at once, first come, first served. Belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self._line: deque[Ticket] = deque()

    def take(self) -> Ticket:
        """A ticket: already inside where there is room, else at the end of the line. It must be released."""
        ticket = Ticket(self)
        if self.inside < self.limit and not self._line:
            self._admit(ticket)
        else:
            self._line.append(ticket)
            ticket.place = len(self._line)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place back, or step out of the line."""
        if ticket.inside:
            ticket.inside = False
            self.inside -= 1
        elif ticket in self._line:
            self._line.remove(ticket)
        while self._line and self.inside < self.limit:
            self._admit(self._line.popleft())
        for place, waiting in enumerate(self._line, start=1):
            waiting.move(place)

    def _admit(self, ticket: Ticket) -> None:
        self.inside += 1
        ticket.inside = True
        ticket.move(0)


class Ticket:
    """One answer's right to be generated, now or later. `place` counts from 1; 0 is inside."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._moved = asyncio.Event()
        self.inside = False
        self.place = 0

    async def places(self) -> AsyncGenerator[int, None]:
        """The places in the line as they change, until the ticket is inside; nothing where there is no wait."""
        while not self.inside:
            self._moved.clear()
            yield self.place
            await self._moved.wait()

    def move(self, place: int) -> None:
        """Told by the gate."""
        if place != self.place:
            self.place = place
            self._moved.set()

    def release(self) -> None:
        """Give the place back; harmless to repeat."""
        self._gate.leave(self)
