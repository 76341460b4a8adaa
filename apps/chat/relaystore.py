"""Answers on their way to other processes, in Redis: a stream `nitro:relay:<id>` for each, numbered without a gap.

The entry `<run>-<number>` holds events (`v`), and the last one how the answer ended (`e`); one without either is a sign
of life. `run` is the time at which the relay began, so that a later relay of the same answer is never taken for the
rest of an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.chat.logstore import StreamEntry, heed_cancellation
from apps.llm.errors import ProviderError
from apps.llm.events import Chosen, Finished, Progress, ReasoningDelta, RouterEvent, TextDelta, ToolCall, Usage

KEPT_SECONDS = 60
KINDS: dict[str, type[RouterEvent]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "call": ToolCall,
    "usage": Usage,
    "finished": Finished,
    "progress": Progress,
    "chosen": Chosen,
}
NAMES = {kind: name for name, kind in KINDS.items()}


class Broken(Exception):
    """What follows in a stream is not what comes next."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A `ProviderError` on its way to another process."""

    message: str
    code: str
    hint: str
    status: int
    retry_after: float | None

    @classmethod
    def of(cls, error: ProviderError) -> Failure:
        return cls(error.message, error.code, error.hint, error.status, error.retry_after)

    def error(self) -> ProviderError:
        error = ProviderError(self.message, code=self.code, hint=self.hint, retry_after=self.retry_after)
        error.status = self.status
        return error


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: whole, failed, or cut where it is neither.

    `alone` is one that nobody heard any more in the process in which it was written.
    """

    whole: bool = False
    alone: bool = False
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said in one go; the last one knows how it ended."""

    events: Sequence[RouterEvent] = ()
    ending: Ending | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An entry's id."""

    run: int = 0
    number: int = 0

    def __str__(self) -> str:
        return f"{self.run}-{self.number}"

    def is_followed_by(self, other: Place) -> bool:
        return other.number == self.number + 1 and other.run == (self.run if self.number else other.run)


START = Place()


def key(turn_id: UUID) -> str:
    return f"nitro:relay:{turn_id}"


def joined(events: Iterable[RouterEvent]) -> list[RouterEvent]:
    """The same with as few events as possible: what was said in several pieces is said in one."""
    found: list[RouterEvent] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            found[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ReasoningDelta) and isinstance(last, ReasoningDelta):
            found[-1] = ReasoningDelta(last.text + event.text)
        else:
            found.append(event)
    return found


def encode(entry: Entry) -> dict[bytes, bytes]:
    """The fields of a stream entry; at least one, since Redis wants one."""
    coded = {b"v": orjson.dumps([[NAMES[type(event)], *_values(event)] for event in entry.events])}
    if entry.ending is not None:
        coded[b"e"] = orjson.dumps(asdict(entry.ending))
    return coded


def _values(event: RouterEvent) -> list[Any]:
    return [getattr(event, one.name) for one in fields(event)]


def decode(coded: dict[bytes, bytes]) -> Entry:
    """Raises `Broken` for what another version of Nitro may have written."""
    try:
        events = [KINDS[name](*values) for name, *values in orjson.loads(coded[b"v"])]
        return Entry(events, _ending(orjson.loads(coded[b"e"])) if b"e" in coded else None)
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"an entry could not be read: {type(error).__name__}") from error


def _ending(found: dict[str, Any]) -> Ending:
    failure = found.pop("failure")
    return Ending(**found, failure=Failure(**failure) if failure is not None else None)


def parse(entries: Iterable[StreamEntry], *, after: Place) -> tuple[list[Entry], Place]:
    """Translate stream entries. Raises `Broken` where they do not follow `after` one by one."""
    found = []
    for entry_id, coded in entries:
        place = Place(*(int(part) for part in entry_id.split(b"-")))
        if not after.is_followed_by(place):
            raise Broken(f"{place} came after {after}")
        found.append(decode(coded))
        after = place
    return found, after


# --- in Redis; all raise one of `RedisAway` ---------------------------------------------------------------------------


async def append(redis: Redis, turn_id: UUID, place: Place, entry: Entry) -> None:
    """Write one entry; harmless where it is there already."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.xadd(key(turn_id), encode(entry), id=str(place))  # type: ignore[arg-type]  # dict is invariant
    pipeline.expire(key(turn_id), KEPT_SECONDS)
    # An id that is not newer means that the entry arrived although its confirmation did not.
    for answer in await pipeline.execute(raise_on_error=False):
        if isinstance(answer, RedisError) and "equal or smaller" not in str(answer):
            raise answer
    heed_cancellation()


async def forget(redis: Redis, turn_id: UUID) -> None:
    """Leave nothing of it: no reader shall take it for an answer that is being written."""
    await redis.delete(key(turn_id))
    heed_cancellation()


async def read(redis: Redis, turn_id: UUID, *, after: Place, milliseconds: int) -> tuple[list[Entry], Place]:
    """What comes next and its place, or nothing after the given time. Raises `Broken` too."""
    answer: Any = await redis.xread({key(turn_id): str(after)}, block=milliseconds)
    heed_cancellation()
    return parse(answer[0][1] if answer else [], after=after)
