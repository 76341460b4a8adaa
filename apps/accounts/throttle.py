"""Slows down the guessing of passwords, per account and per address."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from django.core.cache import cache
from redis.exceptions import RedisError

from apps.core import memory

log = logging.getLogger(__name__)
PERIOD = 15 * 60
BY_BOTH = 10
BY_USER = 100
BY_ADDRESS = 100


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in. Counted before the password is looked at, so that many at once count as many.

    The limit for one account from one address is low. Those for an account from anywhere and for an address with any
    account are high: nobody shall lock others out, and a whole office may share one address.
    """

    username: str
    address: str

    def limits(self) -> dict[str, int]:
        user = self.username.casefold()
        parts = {f"both:{user}:{self.address}": BY_BOTH, f"user:{user}": BY_USER, f"address:{self.address}": BY_ADDRESS}
        # Hashed, since a name may be long, have blanks in it or be a password typed into the wrong field.
        return {f"sign-in:{hashlib.sha256(key.encode()).hexdigest()}": limit for key, limit in parts.items()}

    def is_allowed(self) -> bool:
        """Count this attempt and say whether it may go on. Without Redis it may: signing in works all the same."""
        if memory.outage.is_on:  # else each try to sign in would wait for it anew
            return True
        try:
            counts = [count(key) for key in self.limits()]
            return all(tried <= limit for tried, limit in zip(counts, self.limits().values(), strict=True))
        except (RedisError, OSError) as error:
            memory.outage.begin(error)
            log.warning("Attempts to sign in are not counted, since Redis does not answer: %s", error)
            return True

    def forget(self) -> None:
        """Start from zero after a success."""
        if memory.outage.is_on:
            return
        try:
            cache.delete_many(list(self.limits()))
        except (RedisError, OSError):
            log.info("Attempts to sign in were not forgotten, since Redis does not answer.")


def count(key: str) -> int:
    """How often within the period, this time included."""
    cache.add(key, 0, PERIOD)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ended between the two
        return 1
