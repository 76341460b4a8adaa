"""Counts how often something happens, exactly and for all processes: at most so often in any stretch of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from apps.core import memory

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
PREFIX = "nitro:limit:"
RATE = re.compile(r"([1-9][0-9]{0,6})/(second|minute|hour|day)")

# Each key is a list of the times (in ms) of what was let through, no longer than its limit: its first entry is the one
# that has to grow old. Nothing is counted where any of the limits is reached.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait = 0
for place, key in ipairs(KEYS) do
    local count, period = tonumber(ARGV[2 * place - 1]), tonumber(ARGV[2 * place])
    local oldest = redis.call('LINDEX', key, -count)
    if oldest then wait = math.max(wait, tonumber(oldest) + period - now) end
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
    redis.call('RPUSH', key, string.format('%.0f', now))
    redis.call('LTRIM', key, -tonumber(ARGV[2 * place - 1]), -1)
    redis.call('PEXPIRE', key, ARGV[2 * place])
end
return 0
"""


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """So many times in so many seconds."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A rate such as `60/minute`; raises ValueError for anything else."""
        found = RATE.fullmatch(text)
        if found is None:
            raise ValueError(text)
        return cls(int(found[1]), SECONDS[found[2]])

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    def times(self, factor: int) -> Rate:
        return Rate(self.count * factor, self.seconds)


def admit(rates: Mapping[str, Rate]) -> float:
    """Count something under each of these names, unless one of their rates is reached.

    Returns the seconds to wait, 0 where it was counted. One round trip; raises `MemoryAway`.
    """
    limits = [number for rate in rates.values() for number in (rate.count, rate.seconds * 1000)]
    keys = [PREFIX + name for name in rates]
    wait = memory.ask(lambda redis: redis.eval(SCRIPT, len(keys), *keys, *limits))
    return cast(int, wait) / 1000
