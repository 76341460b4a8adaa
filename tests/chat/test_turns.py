"""Turns from their beginning to their end, with a model that says what the test wants."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from apps.accounts.models import User
from apps.chat import services, turns
from apps.chat.frames import Ask
from apps.chat.models import Conversation, Message, Turn
from apps.chat.turnlog import Delta, End, Item
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def conversation() -> AsyncIterator[Conversation]:
    alice = await in_database(User.objects.create_user, "alice")
    before = use(Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [Scripted()]}))
    yield await in_database(services.conversation_create, user=alice)
    await turns.close()
    use(before)


async def items(conversation: Conversation, turn_id: uuid.UUID, *, html: bool = False) -> list[Item]:
    found = await turns.attach(
        user=conversation.owner, conversation_id=conversation.id, turn_id=turn_id, after=0, html=html
    )
    return [item async for item in found]


async def test_an_answer_is_told_and_saved(conversation: Conversation) -> None:
    ask = Ask(id=uuid.uuid4(), text="Hello there")
    started = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=ask)
    told = await items(conversation, started.turn_id, html=True)
    assert isinstance(told[-1], End)
    text = "".join(item.text for item in told if isinstance(item, Delta))
    answer = await in_database(Message.objects.get, id=started.answer_id)
    turn = await in_database(Turn.objects.get, id=started.turn_id)
    assert text
    assert answer.text == text
    assert turn.state == Turn.State.DONE
    assert turn.marks[-1] == len(text)
