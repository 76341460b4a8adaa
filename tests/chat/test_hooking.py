"""An answer that is done is told to its owner's webhooks."""

from __future__ import annotations

import orjson
import pytest

from apps.accounts import hooks
from apps.accounts.models import Delivery
from apps.chat.models import Conversation
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from tests import cast
from tests.chat.cast import started, told

pytestmark = pytest.mark.django_db(transaction=True)


def chat_with_hook() -> Conversation:
    alice = cast.alice()
    hooks.webhook_create(user=alice, url="https://example.org/", events=["answer.done"])
    hooks.forget()
    return Conversation.objects.select_related("owner").get(pk=Conversation.objects.create(owner=alice).pk)


async def test_an_answer_is_told_with_its_words(model: Scripted) -> None:
    conversation = await in_database(chat_with_hook)
    begun = await started(conversation)
    await told(conversation, begun.turn_id)
    for _ in range(1000):
        if found := await in_database(lambda: list(Delivery.objects.all())):
            break
    (row,) = found
    data = orjson.loads(row.body)["data"]
    assert data["text"].startswith("t00001 t00002 ")
    assert (data["message"], data["finish_reason"]) == (str(begun.answer_id), "stop")
    hooks.forget()
