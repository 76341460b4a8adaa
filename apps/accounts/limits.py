"""How much somebody may ask for: questions per minute, and messages and tokens per day where their groups say so.

`question_admit` is the one function that every door calls before a question becomes a turn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from apps.accounts import usage
from apps.accounts.models import GroupLimit
from apps.core import windows
from apps.core.addresses import network_of
from apps.core.errors import Busy
from apps.core.memory import MemoryAway
from apps.core.windows import Rate

FRESH_SECONDS = 3.0  # what an administrator changes holds within five seconds
PER_ADDRESS = 10  # a household or an office shares an address
TELL_FROM = 0.8  # of a quota: from here on it is shown


class RateLimited(Busy):
    """Too many questions in too short a time."""

    code = "rate_limited"
    status = 429


class QuotaReached(Busy):
    """The messages or tokens of this day are used up."""

    code = "quota_reached"
    status = 429
    permanent = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one person; None where there is no limit."""

    rate: Rate
    messages: int | None = None
    tokens: int | None = None

    @property
    def has_quota(self) -> bool:
        return self.messages is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of a day's allowance is used; `kind` is `messages` or `tokens`."""

    kind: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 1.0


class _Known:
    """Limits by user, as they were a moment ago in this process."""

    by_user: dict[int, tuple[float, Limits]] = {}
    no_groups_until = 0.0


def limits_of(*, user_id: int) -> Limits:
    """The limits of a user; at most three seconds old, and without a query where no group has any."""
    now = time.monotonic()
    if now < _Known.no_groups_until:
        return default_limits()
    at, limits = _Known.by_user.get(user_id, (0.0, None))
    if limits is None or now - at > FRESH_SECONDS:
        limits = _limits_read(user_id, now)
    return limits


def _limits_read(user_id: int, now: float) -> Limits:
    found = list(GroupLimit.objects.filter(group__user=user_id))
    if not found and not GroupLimit.objects.exists():
        _Known.no_groups_until = now + FRESH_SECONDS
    if len(_Known.by_user) > 10_000:
        _Known.by_user.clear()
    limits = limits_together(found)
    _Known.by_user[user_id] = (now, limits)
    return limits


def is_known_limited(*, user_id: int) -> bool:
    """Whether a user has a day's allowance, as the last look for them in this process said; asks nobody."""
    if time.monotonic() < _Known.no_groups_until:
        return False
    _, known = _Known.by_user.get(user_id, (0.0, None))
    return known is not None and known.has_quota


def forget() -> None:
    """Ask the database anew at the next time."""
    _Known.by_user.clear()
    _Known.no_groups_until = 0.0


def default_limits() -> Limits:
    return Limits(Rate.parse(settings.RATE_LIMIT_CHAT))


def limits_together(groups: Iterable[GroupLimit]) -> Limits:
    """The most generous limits of somebody's groups."""
    found = list(groups)
    if not found:
        return default_limits()
    rates = [Rate.parse(group.rate or settings.RATE_LIMIT_CHAT) for group in found]
    return Limits(
        max(rates, key=lambda rate: rate.per_second),
        _most(group.messages_per_day for group in found),
        _most(group.tokens_per_day for group in found),
    )


def _most(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else max(value for value in known if value is not None)


# --- what doors call -------------------------------------------------------------------------------------------------


def question_admit(*, user_id: int, address: str, running: int = 0) -> None:
    """Count one question of this user from this address; raises `RateLimited` or `QuotaReached`.

    `running` are the questions of theirs that are being answered and not in the day's usage yet. One round trip to
    Redis; a query to PostgreSQL only for those with a quota. While Redis is away questions are not counted.
    """
    limits = limits_of(user_id=user_id)
    if limits.has_quota:
        _quota_check(user_id, limits, running)
    wait = question_wait(user_id=user_id, address=address, rate=limits.rate)
    if wait > 0:
        raise RateLimited(
            "Too many questions in a short time.",
            hint=f"Ask again in {_spoken(wait)}.",
            retry_after=wait,
        )


def question_wait(*, user_id: int, address: str, rate: Rate | None = None) -> float:
    """Seconds until a question may be asked; it is counted where that is 0."""
    rate = rate or limits_of(user_id=user_id).rate
    rates = {f"user:{user_id}": rate}
    if network := network_of(address):
        rates[f"address:{network}"] = default_limits().rate.times(PER_ADDRESS)
    try:
        return windows.admit(rates)
    except MemoryAway:
        return 0.0


def quotas(*, user_id: int) -> list[Quota]:
    """The day's allowances of a user, the fullest first; empty for those who have none."""
    limits = limits_of(user_id=user_id)
    return _quotas(user_id, limits) if limits.has_quota else []


def quota_notice(*, user_id: int) -> str:
    """A sentence from four fifths of an allowance on; empty before."""
    nearest = next(iter(quotas(user_id=user_id)), None)
    if nearest is None or nearest.share < TELL_FROM:
        return ""
    return (
        f"{nearest.used:,} of today's {nearest.limit:,} {nearest.kind} are used. The count starts anew at midnight UTC."
    )


def _quotas(user_id: int, limits: Limits) -> list[Quota]:
    used = usage.day_get(user_id=user_id, day=today())
    found = []
    if limits.messages is not None:
        found.append(Quota("messages", used.messages, limits.messages))
    if limits.tokens is not None:
        found.append(Quota("tokens", used.tokens, limits.tokens))
    return sorted(found, key=lambda quota: quota.share, reverse=True)


def _quota_check(user_id: int, limits: Limits, running: int) -> None:
    for quota in _quotas(user_id, limits):
        if quota.used + (running if quota.kind == "messages" else 0) >= quota.limit:
            raise QuotaReached(
                f"Today's {quota.limit:,} {quota.kind} are used up.",
                hint="The count starts anew at midnight UTC; an administrator can raise the limit.",
                retry_after=seconds_of_day_left(),
            )


def today() -> date:
    return datetime.now(UTC).date()


def seconds_of_day_left() -> float:
    """Until midnight UTC."""
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    return (midnight - now).total_seconds()


def _spoken(seconds: float) -> str:
    """Rounded up: who comes back after that time is let in."""
    whole = max(1, math.ceil(seconds))
    if whole >= 120:
        return f"{math.ceil(whole / 60)} minutes"
    return f"{whole} second{'' if whole == 1 else 's'}"
