"""The chat's pages: what they show, to whom, and what their forms change."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts import limits, usage
from apps.accounts.models import GroupLimit, User
from apps.chat import conversation_services, markdown
from apps.chat.models import Conversation, Message, Turn
from tests.chat.cast import answered, begun

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stranger(bob: User) -> Client:
    """Bob in his."""
    client = Client()
    client.force_login(bob)
    return client


def page_of(client: Client, path: str, **extra: str) -> str:
    response = client.get(path, headers=extra)
    assert response.status_code == 200
    return response.content.decode()


def test_the_start_page_is_empty_and_lists_chats(visitor: Client, conversation: Conversation) -> None:
    conversation_services.conversation_rename(
        user=conversation.owner, conversation_id=conversation.id, title="About otters"
    )
    html = page_of(visitor, "/")
    assert "data-empty" in html
    assert "About otters" in html


def test_the_list_is_not_anybody_elses(stranger: Client, conversation: Conversation) -> None:
    conversation_services.conversation_rename(
        user=conversation.owner, conversation_id=conversation.id, title="About otters"
    )
    assert "About otters" not in page_of(stranger, "/")


def test_a_chat_shows_question_and_rendered_answer(visitor: Client, conversation: Conversation) -> None:
    answered(conversation, "What *is* it?", "It **is**.")
    html = page_of(visitor, f"/c/{conversation.id}/")
    assert "What *is* it?" in html
    assert "<strong>is</strong>" in html
    assert "data-empty" not in html


def test_a_question_is_text_and_never_markup(visitor: Client, conversation: Conversation) -> None:
    answered(conversation, "<script>alert(1)</script>", "No.")
    html = page_of(visitor, f"/c/{conversation.id}/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_rendered_html_is_kept_beside_its_text(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="It **is**.")
    page_of(visitor, f"/c/{conversation.id}/")
    turn.answer.refresh_from_db()
    assert turn.answer.html_version == markdown.VERSION
    assert turn.answer.html == markdown.render("It **is**.")


def test_html_of_a_running_answer_is_not_kept(visitor: Client, conversation: Conversation) -> None:
    turn = begun(conversation).turn
    Message.objects.filter(id=turn.answer_id).update(text="It **i")
    html = page_of(visitor, f"/c/{conversation.id}/")
    turn.answer.refresh_from_db()
    assert turn.answer.html_version == 0
    assert f'data-turn="{turn.id}" data-state="running"' in html


def test_html_of_an_older_renderer_is_made_anew(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="It **is**.")
    Message.objects.filter(id=turn.answer_id).update(html="<p>stale</p>", html_version=markdown.VERSION - 1)
    assert "stale" not in page_of(visitor, f"/c/{conversation.id}/")


@pytest.mark.parametrize("path", ["", "m/{m}/", "m/{m}/text/"])
def test_what_belongs_to_others_is_not_there(stranger: Client, conversation: Conversation, path: str) -> None:
    turn = answered(conversation)
    response = stranger.get(f"/c/{conversation.id}/" + path.format(m=turn.answer_id))
    assert response.status_code == 404
    assert b"Good day" not in response.content


def test_a_long_chat_shows_its_end_and_a_way_to_the_rest(visitor: Client, conversation: Conversation) -> None:
    thread_of(conversation, 100)
    html = page_of(visitor, f"/c/{conversation.id}/")
    assert html.count('<article class="message') == 60 + 2  # and two that scripts copy
    assert "Show earlier messages" in html


def test_earlier_messages_come_as_a_fragment(visitor: Client, conversation: Conversation) -> None:
    messages = thread_of(conversation, 100)
    fragment = page_of(visitor, f"/c/{conversation.id}/?before={messages[40].id}", **HTMX)
    assert fragment.count('<article class="message') == 40
    assert "<html" not in fragment
    assert "Show earlier messages" not in fragment


def thread_of(conversation: Conversation, count: int) -> list[Message]:
    """A path of messages, questions and answers in turn."""
    messages: list[Message] = []
    for place in range(count):
        role = Message.Role.ASSISTANT if place % 2 else Message.Role.USER
        parent = messages[-1] if messages else None
        messages.append(Message(conversation=conversation, parent=parent, role=role, text=f"m{place}", position=place))
    Message.objects.bulk_create(messages)
    Conversation.objects.filter(id=conversation.id).update(leaf=messages[-1])
    return messages


def test_one_message_comes_as_a_fragment(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="It **is**.")
    fragment = page_of(visitor, f"/c/{conversation.id}/m/{turn.answer_id}/")
    assert fragment.count("<article") == 1
    assert "<strong>is</strong>" in fragment


def test_a_message_can_be_had_as_it_was_written(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="It **is** <b>.")
    response = visitor.get(f"/c/{conversation.id}/m/{turn.answer_id}/text/")
    assert response.content.decode() == "It **is** <b>."
    assert response["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("state", "reason", "sentence"),
    [
        (Turn.State.STOPPED, "stopped", "Stopped."),
        (Turn.State.INTERRUPTED, "interrupted", "Interrupted."),
        (Turn.State.DONE, "length", "length limit"),
    ],
)
def test_an_answer_that_was_cut_offers_to_go_on(
    visitor: Client, conversation: Conversation, state: str, reason: str, sentence: str
) -> None:
    turn = answered(conversation)
    Turn.objects.filter(id=turn.id).update(state=state, finish_reason=reason)
    html = page_of(visitor, f"/c/{conversation.id}/m/{turn.answer_id}/")
    assert sentence in html
    assert 'data-action="continue"' in html


def test_a_failure_tells_its_repair_with_commands_as_code(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="")
    fields = {"error_message": "The model is <away>.", "error_hint": "Try `nitro doctor`."}
    Turn.objects.filter(id=turn.id).update(state=Turn.State.FAILED, finish_reason="failed", **fields)
    html = page_of(visitor, f"/c/{conversation.id}/m/{turn.answer_id}/")
    assert "The model is &lt;away&gt;." in html
    assert "<code>nitro doctor</code>" in html


def test_a_stand_in_says_for_whom_and_why(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation)
    address = f"/c/{conversation.id}/m/{turn.answer_id}/"
    Turn.objects.filter(id=turn.id).update(provider="builtin", model="small", fallback_from="openai")
    assert "took no new questions" not in page_of(visitor, address)
    Turn.objects.filter(id=turn.id).update(fallback_reason="The <b>bill</b> is due.")
    html = page_of(visitor, address)
    assert "Stood in for openai, which took no new questions: The &lt;b&gt;bill&lt;/b&gt; is due." in html


def test_renaming_answers_with_the_new_line(visitor: Client, conversation: Conversation) -> None:
    response = visitor.post(f"/c/{conversation.id}/rename/", {"title": "Otters"}, headers=HTMX)
    assert "Otters" in response.content.decode()
    assert "nitro:renamed" in response["HX-Trigger"]


def test_a_blank_title_is_refused_with_a_sentence(visitor: Client, conversation: Conversation) -> None:
    response = visitor.post(f"/c/{conversation.id}/rename/", {"title": "  "})
    assert response.status_code == 400
    assert b"at least one letter" in response.content


def test_deleting_elsewhere_offers_undo_in_place(visitor: Client, conversation: Conversation) -> None:
    response = visitor.post(f"/c/{conversation.id}/delete/", headers=HTMX)
    assert f"/c/{conversation.id}/restore/" in response.content.decode()
    assert visitor.get(f"/c/{conversation.id}/").status_code == 404


def test_deleting_the_open_chat_leads_to_the_start_page(visitor: Client, conversation: Conversation) -> None:
    here = {**HTMX, "HX-Current-URL": f"http://testserver/c/{conversation.id}/"}
    response = visitor.post(f"/c/{conversation.id}/delete/", headers=here)
    assert response["HX-Redirect"] == f"/?deleted={conversation.id}"
    assert "Undo" in page_of(visitor, f"/?deleted={conversation.id}")


def test_without_script_deleting_and_undoing_are_plain_forms(visitor: Client, conversation: Conversation) -> None:
    deleted = visitor.post(f"/c/{conversation.id}/delete/")
    assert deleted.status_code == 302
    restored = visitor.post(f"/c/{conversation.id}/restore/")
    assert restored["Location"] == f"/c/{conversation.id}/"
    assert visitor.get(restored["Location"]).status_code == 200


@pytest.mark.parametrize("verb", ["rename", "delete", "restore", "version"])
def test_nobody_changes_what_belongs_to_others(stranger: Client, conversation: Conversation, verb: str) -> None:
    turn = answered(conversation)
    fields = {"title": "Mine now", "message": str(turn.answer_id)}
    assert stranger.post(f"/c/{conversation.id}/{verb}/", fields).status_code == 404
    conversation.refresh_from_db()
    assert conversation.title != "Mine now"
    assert conversation.deleted_at is None


def test_another_version_can_be_chosen(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation, answer="first")
    second = Message.objects.create(
        conversation=conversation, parent=turn.question, role=Message.Role.ASSISTANT, text="second"
    )
    response = visitor.post(f"/c/{conversation.id}/version/", {"message": str(second.id)}, headers=HTMX)
    assert "second" in response.content.decode()
    assert "first" not in response.content.decode()


@pytest.mark.parametrize("chosen", ["", "nonsense", str(uuid4())])
def test_a_version_that_does_not_exist_is_refused(visitor: Client, conversation: Conversation, chosen: str) -> None:
    response = visitor.post(f"/c/{conversation.id}/version/", {"message": chosen})
    assert response.status_code in {400, 404}


@pytest.mark.parametrize("before", ["nonsense", "2026-01-01", "9999-99-99T00:00", "2026-01-01T00:00:00Z"])
def test_the_list_takes_any_beginning(visitor: Client, before: str) -> None:
    assert visitor.get("/c/list/", {"before": before}).status_code == 200


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Nowhere/Land", "../../etc/passwd", "", "%00"])
def test_any_time_zone_in_the_cookie_will_do(visitor: Client, conversation: Conversation, zone: str) -> None:
    visitor.cookies["nitro-zone"] = zone
    assert "Today" in page_of(visitor, "/")


def test_a_program_starts_a_chat(visitor: Client, alice: User) -> None:
    response = visitor.post("/api/conversations/", {}, content_type="application/json")
    assert response.status_code == 201
    assert Conversation.objects.get(id=response.json()["id"]).owner == alice


def test_the_page_for_being_offline_needs_no_sign_in(client: Client, db: None) -> None:
    assert "cannot be reached" in page_of(client, "/offline/")


def needed_from_the_start(script: str) -> set[str]:
    """A module and all that it imports, what is loaded at its first use excepted."""
    source = (settings.BASE_DIR / "static" / "js" / script).read_text()
    imported = re.findall(r'^(?:import|export) (?:.* from )?"\./(.+)";$', source, re.MULTILINE)
    return {script}.union(*(needed_from_the_start(other) for other in imported))


def test_modules_are_loaded_all_at_once_and_none_too_early(visitor: Client) -> None:
    html = page_of(visitor, "/")
    preloaded = set(re.findall(r'rel="modulepreload" href="/static/js/([^"]+)"', html))
    assert preloaded == needed_from_the_start("app.js") - {"app.js"}


def test_a_quota_is_told_on_the_page_before_it_bites(visitor: Client, alice: User) -> None:
    guests = Group.objects.create(name="guests")
    guests.user_set.add(alice)
    GroupLimit.objects.create(group=guests, messages_per_day=10)
    limits.forget()
    assert "of today" not in visitor.get("/").content.decode()
    usage.day_add(user_id=alice.pk, day=limits.today(), messages=8)
    assert "8 of today&#x27;s 10 messages are used" in visitor.get("/").content.decode()


def test_an_answer_from_memory_says_so_and_offers_to_ask_again(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation)
    address = f"/c/{conversation.id}/"
    assert "from memory" not in visitor.get(address).content.decode()
    Turn.objects.filter(id=turn.id).update(cached=True, provider="builtin", model="small")
    page = visitor.get(address).content.decode()
    assert "from memory" in page
    assert "Ask again" in page
