"""Asking, waiting and stopping, for tests of answers that are shared."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from apps.accounts.models import User
from apps.chat import conversation_services, turns
from apps.chat.frames import Ask
from apps.chat.models import Conversation, Turn
from apps.chat.turnlog import Item
from apps.core import news
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, numbered
from tests.chat.cast import told

PATIENCE = 30.0
SLOW = Script(tokens=numbered(60), delay=0.02)
WHOLE = "".join(numbered(60))


async def chat(user: User) -> Conversation:
    return await in_database(conversation_services.conversation_create, user=user)


async def asked(conversation: Conversation, text: str = "What is a tree?", **fields: Any) -> turns.Started:
    frame = Ask(id=uuid.uuid4(), text=text, **fields)
    return await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)


async def answer(conversation: Conversation, text: str = "What is a tree?", **fields: Any) -> list[Item]:
    """Ask, and hear all of it."""
    return await told(conversation, (await asked(conversation, text, **fields)).turn_id)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


async def speaking(started: turns.Started) -> None:
    """Return when a turn of this process has said something."""
    await until(lambda: turns.running_turns().live[started.turn_id].log.texts)


async def stop(conversation: Conversation, started: turns.Started) -> None:
    await turns.stop(user=conversation.owner, conversation_id=conversation.id, turn_id=started.turn_id)


async def row(turn_id: uuid.UUID) -> Turn:
    return await in_database(Turn.objects.select_related("answer").get, id=turn_id)


async def until_heard(item: dict[str, str]) -> None:
    """Publish until the process hears: it joins the news in its own time, and they are told at most once."""
    turns.running_turns()
    heard = asyncio.Event()
    turns.on_news(uuid.UUID(int=1), lambda _: heard.set())
    while not heard.is_set():
        await news.publish(item | {"conversation": str(uuid.UUID(int=1))})
        await asyncio.sleep(0.05)
