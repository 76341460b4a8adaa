"""Chats go out and come in again, as new ones, whatever the file says."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat import selectors, services, transfer
from apps.chat.models import Conversation, Message
from apps.chat.search_selectors import conversation_search
from apps.core.errors import Invalid, NotFound
from tests import cast
from tests.chat.cast import answered, outcome, request

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(conversation: Conversation) -> Conversation:
    """Two questions with answers, the first answer in two versions."""
    turn = answered(conversation, "One?", "1")
    again = services.turn_retry(request=request(conversation), message_id=turn.answer_id).turn
    services.turn_finish(turn_id=again.id, owner=again.owner, outcome=outcome("one"))
    answered(conversation, "Two?", "2")
    return conversation


def exported(conversation: Conversation) -> dict[str, Any]:
    return transfer.conversation_as_json(user=conversation.owner, conversation_id=conversation.pk)


def brought_in(user: User, data: Any) -> Conversation:
    return transfer.conversation_import(user=user, data=data)


def said(conversation: Conversation) -> list[str]:
    thread = selectors.thread_get(user=conversation.owner, conversation_id=conversation.pk)
    return [shown.message.text for shown in thread.shown]


def test_a_chat_comes_back_as_it_was(versions: Conversation, alice: User) -> None:
    copy = brought_in(alice, exported(versions))
    assert said(copy) == said(versions) == ["One?", "one", "Two?", "2"]
    assert copy.messages.count() == versions.messages.count() == 5
    thread = selectors.thread_get(user=alice, conversation_id=copy.pk)
    assert len(thread.shown[1].versions) == 2


def test_it_gets_new_ids_and_leaves_the_old_chat_alone(versions: Conversation, alice: User) -> None:
    data = exported(versions)
    data["messages"][0]["text"] = "overwritten?"
    copy = brought_in(alice, data)
    assert copy.pk != versions.pk
    assert not Message.objects.filter(conversation=versions, text="overwritten?").exists()
    assert not {str(row.pk) for row in copy.messages.all()} & {item["id"] for item in data["messages"]}


def test_what_came_in_is_found_by_the_search(versions: Conversation, alice: User) -> None:
    data = exported(versions)
    data["messages"][1]["text"] = "A zebra."
    copy = brought_in(alice, data)
    assert [found.conversation for found in conversation_search(user=alice, query="zebra")] == [copy]


def test_bob_brings_in_what_alice_gave_him_as_his_own(versions: Conversation, bob: User) -> None:
    copy = brought_in(bob, exported(versions))
    assert copy.owner == bob
    assert Conversation.objects.filter(owner=versions.owner).count() == 1


def test_bob_does_not_get_the_chat_of_alice(versions: Conversation, bob: User) -> None:
    for give in (transfer.conversation_as_json, transfer.conversation_as_markdown):
        with pytest.raises(NotFound):
            give(user=bob, conversation_id=versions.pk)


def test_markdown_is_what_the_page_shows(versions: Conversation) -> None:
    text = transfer.conversation_as_markdown(user=versions.owner, conversation_id=versions.pk)
    assert text.startswith("# One?\n\n## You\n\nOne?\n\n## Nitro\n\none\n")


def broken(change: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"id": "a", "parent": None, "role": "user", "text": "Hello"}
    data: dict[str, Any] = {"format": "nitro-conversation", "version": 1, "conversation": {}, "messages": [message]}
    return deepcopy(data) | change


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        broken({"format": "else"}),
        broken({"version": 2}),
        broken({"conversation": None}),
        broken({"conversation": {"title": 3}}),
        broken({"conversation": {"options": {"grammar": "x"}}}),
        broken({"conversation": {"system_prompt": "x" * 9000}}),
        broken({"messages": {}}),
        broken({"messages": [{"role": "system", "text": "x"}]}),
        broken({"messages": [{"role": "user", "text": 1}]}),
        broken({"messages": [{"role": "user", "text": "x", "parent": "nobody"}]}),
        broken({"messages": [{"role": "user", "text": "x", "created_at": "yesterday"}]}),
        broken({"messages": [{"id": "a", "role": "user"}, {"id": "a", "role": "user"}]}),
    ],
)
def test_what_is_no_export_is_refused_and_leaves_nothing(alice: User, data: Any) -> None:
    with pytest.raises(Invalid):
        brought_in(alice, data)
    assert not Conversation.objects.exists()


def test_an_empty_chat_goes_round(conversation: Conversation, alice: User) -> None:
    assert said(brought_in(alice, exported(conversation))) == []


def test_over_the_api_a_chat_goes_out_as_a_file_and_comes_in(versions: Conversation, alice: User) -> None:
    program = Client(headers={"authorization": f"Bearer {cast.key_of(alice)}"})
    out = program.get(f"/api/conversations/{versions.pk}/export/?format=json")
    assert "attachment" in out.headers["Content-Disposition"]
    back = program.post("/api/conversations/import/", out.content, content_type="application/json")
    assert back.status_code == 201
    markdown = program.get(f"/api/conversations/{versions.pk}/export/?format=markdown")
    assert markdown.headers["Content-Type"].startswith("text/markdown")
    assert program.get(f"/api/conversations/{versions.pk}/export/?format=exe").status_code == 400


@pytest.mark.parametrize("kind", ["json", "markdown"])
def test_whatever_a_page_said_an_export_is_a_file_that_no_browser_runs(
    conversation: Conversation, alice: User, kind: str
) -> None:
    answered(conversation, "What does it say?", "<script>alert(1)</script> [1](/search/passages/1/)")
    Conversation.objects.update(title="<img src=x onerror=alert(2)>")
    out = Client(headers={"authorization": f"Bearer {cast.key_of(alice)}"}).get(
        f"/api/conversations/{conversation.pk}/export/?format={kind}"
    )
    assert out.headers["Content-Disposition"].startswith("attachment")
    assert out.headers["X-Content-Type-Options"] == "nosniff"
    assert out.headers["Content-Type"].split(";")[0] in {"application/json", "text/markdown"}
    assert "script-src 'self'" in out.headers["Content-Security-Policy"]


def test_a_hostile_chat_that_comes_in_is_shown_as_words(conversation: Conversation, alice: User) -> None:
    answered(conversation, "What does it say?", "<script>alert(1)</script><img src=x onerror=alert(2)>")
    copy = brought_in(alice, exported(conversation))
    visitor = Client()
    visitor.force_login(alice)
    page = visitor.get(f"/c/{copy.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
