"""The reply cache: what a model answered to exactly this, given again to the same person.

One entry is one value in Redis, found by a keyed digest of everything that the answer depends on. The keys of the
cache and of the generations that run ("flights", see `apps/chat/flights.py`) are looked at in one round trip.
Sampling at a temperature above 0 is cached all the same: who wants another answer asks again, and gets one.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps.chat import meters
from apps.chat.canonical import canonical
from apps.core import memory
from apps.llm.events import Chosen, Finished, ReasoningDelta, RouterEvent, TextDelta, ToolCall, Usage
from apps.llm.messages import Call
from apps.llm.router import Target

logger = logging.getLogger(__name__)

VERSION = 1  # of what is stored; entries of another one are never found
SHARED = 0  # stands for the user where everybody shares
LONGEST = 200_000  # characters of an answer that is worth keeping
FLIGHT_SECONDS = 900  # a generation that nobody ended is forgotten after this time
REPLY, FLIGHT = "nitro:reply:", "nitro:flight:"

# Returns {1, value} for a kept answer, {2, turn} for a running generation, {0} when the caller shall generate.
LOOK = """
local kept = redis.call('GET', KEYS[1])
if kept then return {1, kept} end
local running = redis.call('GET', KEYS[2])
if running and running ~= ARGV[1] and running ~= ARGV[2] then return {2, running} end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return {0}
"""
LAND = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""
HAND_OVER = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
"""


class Use(Enum):
    """What a turn does with the cache."""

    FULL = "full"  # reads it, joins equal turns, and stores
    RENEW = "renew"  # asks the model whatever is stored, and stores what it says
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer depends on, and who asks. Equal questions have equal digests."""

    user_id: int
    provider: str
    model: str
    digest: str
    shared: bool = False

    @property
    def keys(self) -> tuple[str, str]:
        """Where its answer lies, with whose it is in the name, and where its generation is known."""
        return f"{REPLY}{SHARED if self.shared else self.user_id}:{self.digest}", FLIGHT + self.digest


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer as it is kept. `total_ms` is what it took, which is what it saves."""

    user_id: int
    text: str
    reasoning: str
    provider: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    total_ms: int


@dataclass(slots=True)
class Words:
    """What was heard of an answer so far: its words, and everything else in order."""

    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    events: list[RouterEvent] = field(default_factory=list)

    def hear(self, event: RouterEvent) -> None:
        match event:
            case TextDelta(text):
                self.texts.append(text)
            case ReasoningDelta(text):
                self.reasoning.append(text)
            case _:
                self.events.append(event)

    @property
    def text(self) -> str:
        return "".join(self.texts)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An equal question is being answered as this turn."""

    turn_id: UUID


def use_of(*, kind: str, wanted: bool = True) -> Use:
    """What a turn of this kind does; a continuation depends on words that another turn wrote."""
    if settings.CACHE_TTL == 0 or kind == "continue" or not wanted:
        return Use.NONE
    return Use.FULL if kind == "ask" else Use.RENEW


def question_of(*, user_id: int, target: Target, call: Call, places: object) -> Question | None:
    """The question in a call; None where nobody knows yet which model answers.

    `places` are the addresses of the model servers: the same name may mean another model elsewhere.
    """
    if not target.model:
        return None
    whose = SHARED if settings.CACHE_SHARED else user_id
    try:
        asked = canonical([VERSION, whose, target.provider, target.model, places, call])
    except TypeError as error:
        logger.error("A question cannot be cached: %s", error)
        return None
    digest = hashlib.blake2b(asked, digest_size=32, key=_key(settings.SECRET_KEY)).hexdigest()
    return Question(user_id, target.provider, target.model, digest, shared=settings.CACHE_SHARED)


@cache
def _key(secret: str) -> bytes:
    """The installation's own key, so that nobody can compute where an answer lies."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"nitro.replies").digest()


def reply_from(question: Question, words: Words, *, total_ms: int) -> Reply | None:
    """What is worth keeping: a whole answer in words, from the very model that was asked, without any tool."""
    events = {type(event): event for event in words.events}
    chosen, usage, finished = events.get(Chosen), events.get(Usage), events.get(Finished)
    text = words.text
    if ToolCall in events or not text.strip() or not isinstance(chosen, Chosen):
        return None
    if not isinstance(finished, Finished) or finished.reason != "stop":
        return None
    if chosen.fallback_from or (chosen.provider, chosen.model) != (question.provider, question.model):
        return None
    tokens = (usage.prompt_tokens, usage.completion_tokens) if isinstance(usage, Usage) else (0, 0)
    return Reply(question.user_id, text, "".join(words.reasoning), chosen.provider, chosen.model, *tokens, total_ms)


# --- in Redis; each function is one round trip and raises `MemoryAway` ------------------------------------------------


def look(question: Question, *, turn_id: UUID, over: UUID | None = None) -> Reply | Elsewhere | None:
    """The kept answer, or who is generating it; None where `turn_id` is now known as the one that does.

    `over` is a turn that was followed and ended without an answer: it counts no more.
    """
    arguments = (str(turn_id), str(over or ""), FLIGHT_SECONDS)
    found: Any = memory.ask(lambda redis: redis.eval(LOOK, 2, *question.keys, *arguments))
    if found[0] == 2:
        meters.reply_joined()
        return Elsewhere(UUID(found[1].decode()))
    reply = _kept(found[1], question) if found[0] == 1 else None
    if reply is None:
        meters.reply_looked(None, 0)
    return reply


def recall(question: Question) -> Reply | None:
    """The kept answer, for whoever has nothing to say to other processes; who finds none has to `look`."""
    value: Any = memory.ask(lambda redis: redis.get(question.keys[0]))
    return None if value is None else _kept(value, question)


def _kept(value: bytes, question: Question) -> Reply | None:
    reply = reply_of(value, question)
    if reply is None:  # not ours, whoever put it there: out with it
        memory.ask(lambda redis: redis.delete(question.keys[0]))
        return None
    meters.reply_looked(reply.total_ms, reply.completion_tokens)
    return reply


def land(question: Question, *, turn_id: UUID, reply: Reply | None, joined: int = 0) -> None:
    """A generation is over: it is known as running no more, and its answer is kept where there is a whole one."""
    meters.reply_joined(joined)
    value = orjson.dumps(asdict(reply)) if reply is not None and len(reply.text) <= LONGEST else b""
    memory.ask(lambda redis: redis.eval(LAND, 2, *question.keys, str(turn_id), value, settings.CACHE_TTL))


def hand_over(question: Question, *, turn_id: UUID, to: UUID) -> None:
    """A turn was stopped, but others listen to what it had begun: from now on this one of them stands for it."""
    arguments = (str(turn_id), str(to), FLIGHT_SECONDS)
    memory.ask(lambda redis: redis.eval(HAND_OVER, 2, *question.keys, *arguments))


def reply_of(value: bytes, question: Question) -> Reply | None:
    """What is stored, if it is sound and this user's, or everybody's where an administrator wants that."""
    try:
        stored = orjson.loads(value)
        reply = Reply(**stored)
    except (orjson.JSONDecodeError, TypeError) as error:
        logger.warning("A cached answer could not be read: %s", type(error).__name__)
        return None
    if not all(isinstance(stored[name], str) for name in ("text", "reasoning", "provider", "model")):
        return None
    if reply.user_id != question.user_id and not question.shared:
        logger.error("A cached answer belonged to somebody else and was not given.")
        return None
    return reply
