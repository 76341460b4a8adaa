"""The sidebar's search and pins, and the page that a hit leads to."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat import conversation_services, selectors
from apps.chat.models import Conversation, Message
from apps.core.errors import NotFound
from tests.chat.cast import answered

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def html_of(client: Client, path: str, **query: str) -> str:
    response = client.get(path, query, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


def chat(user: User, title: str, question: str = "Hello") -> Conversation:
    conversation = conversation_services.conversation_create(user=user, title=title)
    answered(conversation, question)
    return conversation


def long_chat(user: User, questions: int) -> tuple[Conversation, list[Message]]:
    conversation = conversation_services.conversation_create(user=user, title="Long")
    for number in range(questions):
        answered(conversation, f"Question {number}")
    return conversation, list(Message.objects.filter(conversation=conversation).order_by("position"))


def shown(html: str) -> list[str]:
    return re.findall(r'<article class="message[^>]*data-message="([^"]+)"', html)


def labels(html: str) -> list[str]:
    return re.findall(r'data-label="([^"]+)"', html)


def test_a_hit_links_to_its_message_and_marks_the_words(visitor: Client, alice: User) -> None:
    conversation = chat(alice, "Animals", "Where do otters live?")
    html = html_of(visitor, "/c/search/", q="otter")
    message = Message.objects.get(conversation=conversation, role="user")
    assert f"/c/{conversation.id}/?at={message.id}#m-{message.id}" in html
    assert "<mark>otter</mark>" in html
    assert "Found in 1 chat" in html


def test_what_is_found_is_text_and_never_markup(visitor: Client, alice: User) -> None:
    chat(alice, "<i>Title</i>", "otters <script>alert(1)</script>")
    html = html_of(visitor, "/c/search/", q="otter")
    assert "<script>" not in html
    assert "<i>" not in html


def test_nothing_found_is_said(visitor: Client) -> None:
    assert "Nothing found" in html_of(visitor, "/c/search/", q="otter")


def test_an_empty_search_shows_the_list_again(visitor: Client, alice: User) -> None:
    chat(alice, "Animals")
    assert labels(html_of(visitor, "/c/search/", q=" ")) == ["Today"]


def test_a_hit_far_up_is_shown_with_what_follows(visitor: Client, alice: User) -> None:
    conversation, messages = long_chat(alice, 40)
    html = html_of(visitor, f"/c/{conversation.id}/", at=str(messages[10].id))
    assert shown(html) == [str(message.id) for message in messages[6:]]
    assert f"?before={messages[6].id}" in html


def test_a_hit_at_the_very_beginning_has_nothing_above_it(alice: User) -> None:
    conversation, messages = long_chat(alice, 40)
    thread = selectors.thread_at(user=alice, conversation_id=conversation.id, message_id=messages[0].id)
    assert thread.earlier is None
    assert len(thread.shown) == 80


def test_a_hit_in_the_newest_messages_changes_nothing(alice: User) -> None:
    conversation, messages = long_chat(alice, 40)
    for message_id in (messages[-1].id, messages[-40].id, uuid4()):
        thread = selectors.thread_at(user=alice, conversation_id=conversation.id, message_id=message_id)
        assert [item.message.id for item in thread.shown] == [message.id for message in messages[-60:]]


def test_a_hit_in_others_chat_is_not_there(alice: User, bob: User) -> None:
    conversation, messages = long_chat(alice, 1)
    with pytest.raises(NotFound):
        selectors.thread_at(user=bob, conversation_id=conversation.id, message_id=messages[0].id)


def test_a_pinned_chat_stands_at_the_top_and_only_there(visitor: Client, alice: User) -> None:
    old, _ = chat(alice, "Old"), chat(alice, "New")
    response = visitor.post(f"/c/{old.id}/pin/", {"pinned": "1"}, headers=HTMX)
    assert "nitro:listed" in json.loads(response.headers["HX-Trigger"])
    html = html_of(visitor, "/c/list/")
    assert labels(html) == ["Pinned", "Today"]
    assert html.count(f'id="chat-{old.id}"') == 1


def test_an_unpinned_chat_goes_back_to_its_day(visitor: Client, alice: User) -> None:
    conversation = chat(alice, "Old")
    for pinned in ("1", "0"):
        visitor.post(f"/c/{conversation.id}/pin/", {"pinned": pinned}, headers=HTMX)
    assert labels(html_of(visitor, "/c/list/")) == ["Today"]


def test_pinning_does_not_make_a_chat_newer(alice: User) -> None:
    conversation = chat(alice, "Old")
    pinned = conversation_services.conversation_pin(user=alice, conversation_id=conversation.id, pinned=True)
    conversation.refresh_from_db()
    assert pinned.updated_at == conversation.updated_at


def test_a_new_chat_takes_the_model_of_the_chat_used_last_and_not_of_a_pinned_one(visitor: Client, alice: User) -> None:
    pinned = conversation_services.conversation_create(user=alice, model="openai:pinned", title="Pinned")
    conversation_services.conversation_pin(user=alice, conversation_id=pinned.id, pinned=True)
    conversation_services.conversation_create(user=alice, model="openai:newest", title="Newest")
    assert 'data-choice="openai:newest"' in visitor.get("/").content.decode()


def test_nobody_pins_others_chat(alice: User, bob: User) -> None:
    conversation = chat(alice, "Hers")
    with pytest.raises(NotFound):
        conversation_services.conversation_pin(user=bob, conversation_id=conversation.id, pinned=True)
