"""The list of models and the sheet of a chat's settings: what they show, save and refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import User
from apps.chat import conversation_services
from apps.chat.engine import engine
from apps.chat.models import Conversation
from apps.chat.templatetags.hints import tokens
from apps.llm.providers.base import ModelInfo
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from tests import cast
from tests.chat.cast import answered


class Several(Scripted):
    """A server with models of all kinds."""

    async def models(self) -> list[ModelInfo]:
        return [
            ModelInfo("small", 8192, 90_000_000, "135M", "Q4_1"),
            ModelInfo(
                "eyes", 131072, 4_000_000_000, "7B", "Q4_0", loaded=False, abilities=frozenset({"text", "vision"})
            ),
            ModelInfo("vectors", abilities=frozenset({"embedding"})),
        ]


@pytest.fixture(autouse=True)
def servers() -> Iterator[None]:
    before = use(Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [Several()]}))
    yield
    use(before)


def sheet(conversation: Conversation) -> str:
    return f"/c/{conversation.id}/settings/"


def configured(response: Any) -> dict[str, Any]:
    """What the page is told of settings that were taken."""
    found: dict[str, Any] = json.loads(response.headers["HX-Trigger"])["nitro:configured"]
    return found


def test_the_list_shows_what_can_talk_with_its_figures(visitor: Client) -> None:
    html = visitor.get("/c/models/").content.decode()
    for text in ("small", "135M", "Q4_1", "8k context", "eyes", "sees", "128k context", "Cold"):
        assert text in html, text
    assert "vectors" not in html


def test_the_list_marks_what_is_chosen(visitor: Client) -> None:
    html = visitor.get("/c/models/", {"chosen": "scripted:eyes"}).content.decode()
    marked = html.split('aria-selected="true"')
    assert len(marked) == 2
    assert 'data-choice="scripted:eyes"' in marked[0].rpartition("<div")[2]


def test_a_model_that_went_away_is_told(visitor: Client) -> None:
    html = visitor.get("/c/models/", {"chosen": "scripted:gone"}).content.decode()
    assert "gone is not there any more" in html


def test_a_model_is_chosen_for_a_chat(visitor: Client, conversation: Conversation) -> None:
    response = visitor.post(f"/c/{conversation.id}/model/", {"choice": "scripted:eyes"})
    assert response.json()["name"] == "eyes"
    conversation.refresh_from_db()
    assert conversation.model == "scripted:eyes"
    assert 'class="model-name">eyes<' in visitor.get(f"/c/{conversation.id}/").content.decode()


def test_the_default_can_be_chosen_again(visitor: Client, alice: User) -> None:
    conversation = conversation_services.conversation_create(user=alice, model="scripted:eyes")
    visitor.post(f"/c/{conversation.id}/model/", {"choice": ""})
    conversation.refresh_from_db()
    assert conversation.model == ""


def test_a_model_that_nobody_has_cannot_be_chosen(visitor: Client, conversation: Conversation) -> None:
    response = visitor.post(f"/c/{conversation.id}/model/", {"choice": "no-such-model"})
    assert (response.status_code, "no-such-model" in response.content.decode()) == (400, True)
    conversation.refresh_from_db()
    assert conversation.model == ""


def test_a_new_chat_goes_on_with_the_model_of_the_one_before(visitor: Client, alice: User) -> None:
    conversation_services.conversation_create(user=alice, model="scripted:eyes")
    assert 'data-choice="scripted:eyes"' in visitor.get("/").content.decode()


def test_a_new_chat_begins_with_the_default_where_the_last_model_is_gone(visitor: Client, alice: User) -> None:
    conversation_services.conversation_create(user=alice, model="no-such-model")
    html = visitor.get("/").content.decode()
    assert 'data-choice=""' in html
    assert "data-missing" not in html


def test_a_chat_whose_model_is_gone_says_so(visitor: Client, alice: User) -> None:
    conversation = conversation_services.conversation_create(user=alice, model="no-such-model")
    html = visitor.get(f"/c/{conversation.id}/").content.decode()
    assert "data-missing" in html
    assert escape("There is no model 'no-such-model'.") in html


def test_settings_are_saved_and_shown_again(visitor: Client, conversation: Conversation) -> None:
    form = {"system_prompt": " Answer as a pirate. ", "temperature": "0.2", "top_k": "5", "seed": ""}
    response = visitor.post(sheet(conversation), form)
    conversation.refresh_from_db()
    assert conversation.options == {"temperature": 0.2, "top_k": 5}
    assert conversation.system_prompt == "Answer as a pirate."
    assert configured(response)["max_tokens"] == 500
    html = visitor.get(sheet(conversation)).content.decode()
    assert "Answer as a pirate." in html
    assert 'value="0.2"' in html


def test_empty_settings_follow_the_installation(visitor: Client, conversation: Conversation) -> None:
    visitor.post(sheet(conversation), {"temperature": "0.2"})
    visitor.post(sheet(conversation), {"temperature": ""})
    conversation.refresh_from_db()
    assert conversation.options == {}
    assert 'placeholder="0.7"' in visitor.get(sheet(conversation)).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("temperature", "9", "a number from 0 to 2"),
        ("temperature", "nan", "a number from 0 to 2"),
        ("temperature", "hot", "a number from 0 to 2"),
        ("top_k", "1.5", "a whole number from 0 to 1,000"),
        ("max_tokens", "0", "a whole number from 1 to"),
        ("system_prompt", "x" * 8001, "At most 8,000 characters"),
        ("system_prompt", "a\x00b", "Null characters"),
    ],
)
def test_wrong_settings_come_back_with_a_sentence(
    visitor: Client, conversation: Conversation, field: str, value: str, sentence: str
) -> None:
    response = visitor.post(sheet(conversation), {field: value})
    assert sentence in response.content.decode()
    assert "HX-Trigger" not in response.headers
    conversation.refresh_from_db()
    assert (conversation.options, conversation.system_prompt) == ({}, "")


def test_settings_of_a_chat_that_has_not_begun_are_checked_and_told(visitor: Client) -> None:
    told = configured(visitor.post("/c/settings/", {"max_tokens": "77", "system_prompt": "Be brief."}))
    assert told == {"options": {"max_tokens": 77}, "system_prompt": "Be brief.", "max_tokens": 77}
    assert not Conversation.objects.exists()


def test_the_page_knows_how_full_the_window_is(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation)
    type(turn).objects.filter(pk=turn.pk).update(context_tokens=1234)
    html = visitor.get(f"/c/{conversation.id}/").content.decode()
    assert 'data-tokens="1234"' in html
    assert 'data-max-tokens="500"' in html


@pytest.mark.parametrize(
    ("model", "code", "offered"),
    [
        ("scripted:gone", "model_missing", True),
        ("scripted:gone", "provider_unreachable", True),
        ("scripted:gone", "context_exceeded", False),
        ("scripted:gone", "", False),
        ("", "provider_unreachable", False),
    ],
)
def test_where_the_chosen_model_is_gone_the_default_one_is_offered(
    visitor: Client, alice: User, model: str, code: str, offered: bool
) -> None:
    conversation = conversation_services.conversation_create(user=alice, model=model)
    turn = answered(conversation, answer="")
    type(turn).objects.filter(pk=turn.pk).update(state="failed", finish_reason="failed", error_code=code)
    assert ("Ask the default model" in visitor.get(f"/c/{conversation.id}/").content.decode()) is offered


def test_an_answer_says_what_was_left_out_of_its_question(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation)
    type(turn).objects.filter(pk=turn.pk).update(model="small", dropped_messages=8)
    assert "without the 8 oldest messages" in visitor.get(f"/c/{conversation.id}/").content.decode()


def test_thoughts_and_calls_are_folded_and_never_markup(visitor: Client, conversation: Conversation) -> None:
    turn = answered(conversation)
    turn.answer.reasoning = "<b>hm</b>"
    turn.answer.tool_calls = [{"id": "1", "name": "<i>", "arguments": "</details><script>"}]
    turn.answer.save()
    html = visitor.get(f"/c/{conversation.id}/").content.decode()
    assert '<details class="thoughts">' in html
    assert "&lt;b&gt;hm" in html
    assert "&lt;/details&gt;&lt;script&gt;" in html


def test_no_servers_name_is_taken_for_a_model(settings: Any) -> None:
    found = engine("scripted")
    assert (found.name, found.missing) == ("scripted", False)
    assert engine("x" * 300).missing


def test_bob_cannot_configure_alices_chat(conversation: Conversation) -> None:
    stranger = Client()
    stranger.force_login(cast.bob())
    assert stranger.post(sheet(conversation), {"temperature": "1"}).status_code == 404
    assert stranger.post(f"/c/{conversation.id}/model/", {"choice": ""}).status_code == 404


@pytest.mark.parametrize(("count", "said"), [(500, "500"), (8192, "8k"), (131072, "128k"), (200_000, "200k")])
def test_windows_are_said_as_people_say_them(count: int, said: str) -> None:
    assert tokens(count) == said
