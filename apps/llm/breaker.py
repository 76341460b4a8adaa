"""A circuit breaker: who has failed again and again is left alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from apps.llm.errors import ProviderError, Resting

State = Literal["closed", "open", "half-open"]

OPENS_AFTER = 3
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 60.0


class Breaker:
    """Counts failures in a row of one server, in one process.

    closed: everybody is let through. open: nobody is, until the pause is over. half-open: one call is let through as a
    probe; it closes the breaker, or opens it again for twice as long. Failures of calls that were let through before
    the breaker opened do not lengthen the pause.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0
        self.last_failure: ProviderError | None = None
        self._clock = clock
        self._pause = 0.0
        self._until = -math.inf
        self._probing = self._lost = False

    @property
    def state(self) -> State:
        """What a call would meet now."""
        if not self._pause:
            return "closed"
        return "open" if self._clock() < self._until else "half-open"

    @property
    def wait(self) -> float:
        """Seconds until the next probe may go out, 0 where it may already."""
        return max(0.0, self._until - self._clock()) if self._pause else 0.0

    def lets_through(self) -> bool:
        """Whether a call may begin."""
        state = self.state
        return state == "closed" or (state == "half-open" and not self._probing)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Surround a call that was let through. A probe that ends without a verdict makes room for another one."""
        probe = self.state == "half-open"
        self._probing = self._probing or probe
        try:
            yield
        finally:
            if probe:
                self._probing = False

    def succeeded(self) -> None:
        """It answered, be it with a refusal."""
        self.failures, self.last_failure = 0, None
        self._pause, self._until = 0.0, -math.inf
        self._probing = self._lost = False

    def failed(self, failure: ProviderError) -> None:
        """It did not answer. A server that said when to come back is not asked before."""
        self.failures += 1
        self.last_failure = failure
        state = self.state
        if state == "half-open":
            self._open(min(2 * self._pause, LONGEST_PAUSE), failure)
        elif state == "closed" and self.failures >= OPENS_AFTER:
            self._open(FIRST_PAUSE, failure)

    @property
    def is_lost(self) -> bool:
        """Whether it is open because nobody was there, and not because of bad answers."""
        return self._lost

    def lost(self, failure: ProviderError) -> None:
        """Nobody is there: open, or stay open, for a pause that a knock at the door can end."""
        self.failures += not self._lost
        self.last_failure, self._lost, self._probing = failure, True, False
        self._open(max(FIRST_PAUSE, self._pause), failure)

    def refusal(self, name: str) -> Resting:
        """What is told to a call that is not let through."""
        seconds = math.ceil(self.wait) or 1
        reason = f" The last time: {self.last_failure.message}" if self.last_failure is not None else ""
        said = f"{name} failed {self.failures} times in a row and is left alone for another {seconds} s.{reason}"
        return Resting(said, retry_after=float(seconds))

    def _open(self, pause: float, failure: ProviderError) -> None:
        self._pause = pause
        self._until = self._clock() + max(pause, min(failure.retry_after or 0.0, LONGEST_PAUSE))
