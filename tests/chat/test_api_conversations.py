"""Chats over the API: what is answered, and that nobody overwrites what another has changed."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.chat.models import Conversation
from tests import cast
from tests.chat.cast import answered

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(alice: User) -> Client:
    """A program of Alice."""
    return Client(headers={"authorization": f"Bearer {cast.key_of(alice)}"})


def url(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}/"


def patch(program: Client, conversation: Conversation, title: str, etag: str | None = None) -> int:
    headers = {"if-match": etag} if etag else {}
    body = {"title": title}
    return program.patch(url(conversation), body, content_type="application/json", headers=headers).status_code


def test_a_chat_is_started_with_an_empty_object(program: Client) -> None:
    response = program.post("/api/conversations/", {}, content_type="application/json")
    assert response.status_code == 201
    assert response.json().keys() >= {"id", "title", "model", "created_at", "updated_at"}


def test_the_list_holds_no_deleted_chat(program: Client, conversation: Conversation) -> None:
    assert program.delete(url(conversation)).status_code == 204
    assert program.get("/api/conversations/").json()["results"] == []


def test_an_unchanged_chat_is_not_sent_again(program: Client, conversation: Conversation) -> None:
    etag = program.get(url(conversation)).headers["ETag"]
    again = program.get(url(conversation), headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_who_reads_compressed_has_seen_the_same_state(program: Client, conversation: Conversation, coding: str) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(system_prompt="Speak of bread. " * 200)
    packed = program.get(url(conversation), headers={"accept-encoding": coding})
    assert packed.headers["Content-Encoding"] == coding
    etag = packed.headers["ETag"]
    again = program.get(url(conversation), headers={"accept-encoding": coding, "if-none-match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert patch(program, conversation, "Bread", etag) == 200
    assert patch(program, conversation, "Cake", etag) == 412


def test_a_change_gives_another_etag(program: Client, conversation: Conversation) -> None:
    etag = program.get(url(conversation)).headers["ETag"]
    assert patch(program, conversation, "Bread", etag) == 200
    assert program.get(url(conversation), headers={"if-none-match": etag}).json()["title"] == "Bread"


def test_who_has_seen_an_older_state_changes_nothing(program: Client, conversation: Conversation) -> None:
    etag = program.get(url(conversation)).headers["ETag"]
    patch(program, conversation, "Bread")
    assert patch(program, conversation, "Cake", etag) == 412
    assert program.delete(url(conversation), headers={"if-match": etag}).status_code == 412
    conversation.refresh_from_db()
    assert (conversation.title, conversation.deleted_at) == ("Bread", None)


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_the_same_state_at_once_one_is_refused(conversation: Conversation) -> None:
    secret = cast.key_of(conversation.owner)
    etag = Client(headers={"authorization": f"Bearer {secret}"}).get(url(conversation)).headers["ETag"]
    statuses: list[int] = []
    together = threading.Barrier(6)

    def change(title: str) -> None:
        own = Client(headers={"authorization": f"Bearer {secret}"})
        together.wait(30)
        statuses.append(patch(own, conversation, title, etag))
        connection.close()

    threads = [threading.Thread(target=change, args=[f"Bread {number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 5


def test_a_blank_title_is_refused(program: Client, conversation: Conversation) -> None:
    assert patch(program, conversation, "  ") == 400


def test_a_key_for_reading_reads_and_does_not_write(alice: User, conversation: Conversation) -> None:
    reader = Client(headers={"authorization": f"Bearer {cast.key_of(alice, 'chat:read')}"})
    assert reader.get(url(conversation)).status_code == 200
    assert patch(reader, conversation, "Bread") == 403
    assert reader.delete(url(conversation)).status_code == 403


def test_a_key_in_the_address_is_refused_and_said_so(alice: User) -> None:
    response = Client().get(f"/api/conversations/?key={cast.key_of(alice)}")
    assert response.status_code == 401
    assert "address" in response.json()["message"]


def test_a_chat_can_be_told_how_to_answer_and_be_pinned(program: Client, conversation: Conversation) -> None:
    wish = {"options": {"temperature": 0.1}, "system_prompt": "Be brief.", "pinned": True}
    changed = program.patch(url(conversation), wish, content_type="application/json").json()
    assert {name: changed[name] for name in wish} == wish


@pytest.mark.parametrize("wish", [{"options": {"grammar": 1}}, {"title": "Cake", "options": {"top_k": -1}}])
def test_of_a_change_with_something_wrong_in_it_nothing_is_done(
    program: Client, conversation: Conversation, wish: dict[str, object]
) -> None:
    assert program.patch(url(conversation), wish, content_type="application/json").status_code == 400
    conversation.refresh_from_db()
    assert (conversation.title, conversation.options) == ("", {})


def test_a_search_finds_the_chat_and_the_place(program: Client, conversation: Conversation) -> None:
    answered(conversation, "Where does sourdough come from?", "From Egypt, most likely.")
    (found,) = program.get("/api/conversations/?q=sourdough").json()["results"]
    assert found["id"] == str(conversation.pk)
    assert "sourdough" in found["match"]["snippet"]
    assert program.get("/api/conversations/?q=pizza").json()["results"] == []


def test_messages_come_oldest_first_with_what_their_answers_took(program: Client, conversation: Conversation) -> None:
    turn = answered(conversation, "Hello there", "Good day")
    question, answer = program.get(f"{url(conversation)}messages/").json()["results"]
    assert (question["role"], question["text"], question["turn"]) == ("user", "Hello there", None)
    assert (answer["parent_id"], answer["turn"]["id"]) == (question["id"], str(turn.pk))


def test_usage_is_zero_at_first(program: Client) -> None:
    found = program.get("/api/usage/").json()
    assert (found["today"]["messages"], found["days"], found["quotas"]) == (0, [], [])
