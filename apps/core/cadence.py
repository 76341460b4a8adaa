"""A common cadence for all that gathers: who waits for its next moment wakes together with everybody else.

At moments of its own each read, timer and write of a hundred streams is a round of the event loop, and waking up costs
more than what is then done. In step, one round serves them all.
"""

from __future__ import annotations

import asyncio

FEW, SOME, MANY = 8, 32, 64  # streams
TOO_SOON = 0.01  # seconds; timers are exact to a millisecond, and may ring before their time


def cadence(streams: int) -> float:
    """Seconds between two moments for so many streams in this process; 0 where each does best as things come."""
    if streams <= FEW:
        return 0.0
    if streams <= SOME:
        return 0.05
    return 0.1 if streams <= MANY else 0.2


async def next_moment(seconds: float) -> None:
    """Sleep until the next moment of this cadence."""
    left = seconds - asyncio.get_running_loop().time() % seconds
    await asyncio.sleep(left if left > TOO_SOON else left + seconds)
