"""Pictures inside of a chat: the question, the answer with its job, and what happens when it cannot be ordered."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat import selectors
from apps.chat.models import Conversation, Message, Turn
from apps.images import registry, services
from apps.images.models import ImageJob
from tests.images.engines import Scripted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def engine() -> Iterator[Scripted]:
    scripted = Scripted()
    registry.use(scripted)
    yield scripted
    registry.use(None)


def draw(client: Client, conversation: Conversation, text: str, request: str = "") -> int:
    form = {"id": request or str(uuid4()), "text": text}
    return client.post(f"/c/{conversation.id}/draw/", form).status_code


def test_an_order_is_a_question_and_its_answer_shows_the_job(visitor: Client, conversation: Conversation) -> None:
    assert draw(visitor, conversation, "/image a boat") == 202
    question, answer = Message.objects.order_by("position")
    job = ImageJob.objects.get()
    assert (question.text, job.prompt, job.attached_to) == ("/image a boat", "a boat", answer.id)
    turn = Turn.objects.get()
    assert (turn.state, turn.provider) == (Turn.State.DONE, "images")
    assert f"/images/attached/{answer.id}/" in visitor.get(f"/c/{conversation.id}/").content.decode()


def test_the_same_request_orders_once(visitor: Client, conversation: Conversation) -> None:
    request = str(uuid4())
    draw(visitor, conversation, "/image a boat", request)
    draw(visitor, conversation, "/image a boat", request)
    assert (ImageJob.objects.count(), Message.objects.count()) == (1, 2)


@pytest.mark.parametrize("text", ["/image", "/image   ", "", "/image " + "x" * 10_000])
def test_what_cannot_be_drawn_leaves_nothing_in_the_chat(
    visitor: Client, conversation: Conversation, text: str
) -> None:
    assert draw(visitor, conversation, text) == 400
    assert Message.objects.count() == 0


def test_too_many_orders_are_told_in_the_answer(
    visitor: Client, conversation: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_WAITING", 0)
    assert draw(visitor, conversation, "/image a boat") == 202
    turn = Turn.objects.get()
    assert (turn.state, turn.error_code) == (Turn.State.FAILED, "too_many_waiting")


def test_the_models_of_later_questions_hear_of_the_picture(
    visitor: Client, conversation: Conversation, alice: User
) -> None:
    draw(visitor, conversation, "/image a boat")
    thread = selectors.thread_get(user=alice, conversation_id=conversation.id)
    assert thread.shown[-1].message.text == "Here is a picture of: a boat"


def test_a_picture_in_a_chat_is_not_shown_as_being_drawn_in_the_room(
    visitor: Client, conversation: Conversation
) -> None:
    draw(visitor, conversation, "/image a very special boat")
    assert "a very special boat" not in visitor.get("/images/").content.decode()


@pytest.mark.parametrize("request_id", ["", "none", "1"])
def test_a_request_without_an_id_is_refused(visitor: Client, conversation: Conversation, request_id: str) -> None:
    form = {"id": request_id, "text": "/image a boat"}
    assert visitor.post(f"/c/{conversation.id}/draw/", form).status_code == 400
