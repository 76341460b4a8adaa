"""A chat that an administrator closes, while an answer is written in it."""

from __future__ import annotations

import asyncio

import pytest

from apps.accounts import presence
from apps.accounts.models import User
from apps.chat import conversation_services, sessions
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.test_sessions import until
from tests.chat.wire import Wire, words


@pytest.mark.django_db(transaction=True)
async def test_a_chat_that_is_closed_says_so_and_its_answer_goes_on(alice: User, model: Scripted) -> None:
    model.scripts = [Script(tokens=numbered(40), delay=0.02)]
    chat = await in_database(conversation_services.conversation_create, user=alice)
    wire = Wire(alice, chat.id)
    async with wire:
        accepted = await wire.ask()
        place = sessions.sessions()
        await until(lambda: any(one.about.user == alice.pk for one in place.open.values()))
        session = next(one for one in place.open.values() if one.about.user == alice.pk)
        assert session.about.conversation == str(chat.id)
        presence.close(holder=place.owner, socket=session.id)
        await place.beat()
        told = await wire.next()
        while told["type"] != "error":
            told = await wire.next()
        assert told["message"].startswith("An administrator closed")
        assert await wire.next() == {"type": "closed", "code": 4408}
    again = Wire(alice, chat.id)
    async with again:
        await again.say(type="attach", turn=accepted["turn"], after=0)
        assert words(await again.to_the_end()) == "".join(numbered(40))
    await asyncio.sleep(0)
