"""An answer that is done is told to its owner's webhooks."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from apps.accounts import hooks
from apps.accounts.models import Delivery
from apps.chat import turns
from apps.chat.models import Conversation
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted
from tests import cast
from tests.chat.cast import started, told

pytestmark = pytest.mark.django_db(transaction=True)


def chat_with_hook() -> Conversation:
    alice = cast.alice()
    hooks.webhook_create(user=alice, url="https://example.org/", events=["answer.done"])
    return Conversation.objects.select_related("owner").get(pk=Conversation.objects.create(owner=alice).pk)


async def delivery() -> Delivery:
    """The one message that was written, as soon as it is there."""
    async with asyncio.timeout(30):
        while not (found := await in_database(lambda: list(Delivery.objects.all()))):
            await asyncio.sleep(0.01)
    (row,) = found
    return row


async def test_an_answer_is_told_with_its_words(model: Scripted) -> None:
    await in_database(hooks.look)  # a moment ago nobody had any
    conversation = await in_database(chat_with_hook)
    begun = await started(conversation)
    await told(conversation, begun.turn_id)
    row = await delivery()
    data = orjson.loads(row.body)["data"]
    assert data["text"].startswith("t00001 t00002 ")
    assert (data["message"], data["finish_reason"]) == (str(begun.answer_id), "stop")
    hooks.forget()


async def test_a_webhook_that_is_made_while_the_answer_is_written_hears_of_it(model: Scripted) -> None:
    model.scripts = [Script(tokens=("a ",) * 20, delay=0.02)]
    conversation = await in_database(lambda: Conversation.objects.create(owner=cast.alice()))
    begun = await started(conversation)
    await in_database(chat_with_hook)
    await told(conversation, begun.turn_id)
    assert str(begun.answer_id) in (await delivery()).body
    hooks.forget()


def test_another_process_says_that_there_is_a_new_one() -> None:
    alice = cast.alice()
    hooks.look()
    assert not hooks.is_called(user_id=alice.pk)
    turns._hear({"kind": hooks.NEWS})
    assert hooks.is_called(user_id=alice.pk)
    hooks.look()
    assert not hooks.is_called(user_id=alice.pk)
    hooks.forget()
