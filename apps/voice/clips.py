"""Spoken text as files, each made once: what the same person has heard in the same voice comes from the cache."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from apps.accounts.models import User
from apps.core.database import in_database
from apps.core.errors import NitroError
from apps.voice import registry, services, speaking
from apps.voice.listening import engine_threads
from apps.voice.providers.base import Utterance

logger = logging.getLogger(__name__)
IN_PARTS = frozenset({"mp3", "pcm"})  # files that may be written one after the other into one


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants to hear what, and as which kind of file."""

    user: User
    utterance: Utterance
    kind: str

    @property
    def digest(self) -> str:
        engine = registry.speaker().label  # with its model: another one sounds different
        return services.clip_digest(engine=engine, utterance=self.utterance, kind=self.kind)

    @property
    def parts(self) -> list[Order]:
        """Orders for the sentences one by one, where such files can be joined; else the whole."""
        if self.kind not in IN_PARTS:
            return [self]
        lines = speaking.sentences(self.utterance.text)
        return [replace(self, utterance=replace(self.utterance, text=line)) for line in lines]


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was just made."""

    content: bytes
    seconds: float


def make(order: Order) -> Made:
    """Speak and write it. Takes as long as the engine does; touches no database."""
    pcm = speaking.spoken(registry.speaker(), order.utterance)
    return Made(speaking.written(pcm, order.kind), pcm.seconds)


def keep(order: Order, made: Made) -> None:
    """Keep it for the next time; where that does not go, it was heard all the same."""
    try:
        services.clip_keep(
            user=order.user,
            digest=order.digest,
            content=made.content,
            suffix=speaking.SUFFIXES[order.kind],
            seconds=made.seconds,
            engine=registry.speaker().kind,
        )
    except NitroError as error:
        logger.warning("A spoken clip could not be kept: %s", error.code)


def clip(order: Order) -> bytes:
    """The file, from the cache or new. Blocks."""
    content = services.clip_content(user=order.user, digest=order.digest)
    if content is not None:
        return content
    made = make(order)
    keep(order, made)
    return made.content


async def clip_async(order: Order) -> bytes:
    """As `clip`, without blocking and without holding a database connection while the engine speaks."""
    content = await in_database(services.clip_content, user=order.user, digest=order.digest)
    if content is not None:
        return content
    made = await asyncio.get_running_loop().run_in_executor(engine_threads(), partial(make, order))
    await in_database(keep, order, made)
    return made.content


async def streamed(first: bytes, rest: Sequence[Order]) -> AsyncIterator[bytes]:
    """The parts one after the other, each as soon as it is there. An engine that fails ends the sound."""
    yield first
    for order in rest:
        try:
            yield await clip_async(order)
        except NitroError as error:
            logger.warning("A text could not be spoken to its end: %s", error.code)
            return
