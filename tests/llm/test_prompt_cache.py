"""R16 for the built-in model: what it remembers of one conversation never reaches another.

llama.cpp keeps the prompts of its slots. Everybody lets it repeat a word of their own behind the same beginning, more
people than there are slots, and some hang up at a random moment. `NITRO_CANARY_MINUTES=10` goes on for so long.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from contextlib import aclosing

import pytest

from apps.llm.events import TextDelta
from apps.llm.messages import Call, Message, Options, Role
from apps.llm.providers.base import Timeouts
from apps.llm.providers.openai_compatible import OpenAICompatible

pytestmark = [pytest.mark.model, pytest.mark.timeout(600 + float(os.environ.get("NITRO_CANARY_MINUTES", "0")) * 60)]
SECONDS = float(os.environ.get("NITRO_CANARY_MINUTES", "0")) * 60
WORDS = ("zebra", "walnut", "violin", "tunnel", "saddle", "pepper")
COMMON = "You repeat what you are told."


def call(word: str) -> Call:
    """A small model follows nothing better than a pattern: it goes on saying the word."""
    messages = (Message(Role.SYSTEM, COMMON), Message(Role.USER, f"Say {word} again and again."))
    return Call("smollm2", messages, Options(max_tokens=8, temperature=0.2), prefill=f"{word}, {word}, {word},")


async def ask(provider: OpenAICompatible, word: str, chance: random.Random) -> str:
    """What the model says; cut somewhere in every third time."""
    enough = chance.randrange(1, 4) if chance.random() < 0.3 else 1000
    said = ""
    async with aclosing(provider.stream(call(word))) as events:
        async for event in events:
            said += event.text if isinstance(event, TextDelta) else ""
            enough -= 1
            if not enough:
                break
    return said


async def person(provider: OpenAICompatible, word: str, until: float) -> list[str]:
    """At least two answers, and as many more as there is time for."""
    chance, heard = random.Random(word), list[str]()
    while len(heard) < 2 or time.monotonic() < until:
        heard.append(await ask(provider, word, chance))
    return heard


async def test_no_word_of_one_conversation_reaches_another(builtin_url: str) -> None:
    patient = Timeouts(first=300.0, silence=300.0)
    provider = OpenAICompatible(builtin_url, kind="builtin", llama=True, timeouts=patient)
    until = time.monotonic() + SECONDS
    heard = await asyncio.gather(*(person(provider, word, until) for word in WORDS))
    await provider.close()
    for word, answers in zip(WORDS, heard, strict=True):
        told = set(re.findall(r"[a-z]+", " ".join(answers).lower()))
        assert told & set(WORDS) <= {word}, (word, answers)
    assert sum(word in " ".join(answers).lower() for word, answers in zip(WORDS, heard, strict=True)) >= 3
