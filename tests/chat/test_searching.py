"""Questions that are searched for first: steps, sources, honest marks, and what is kept of them."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.chat import conversation_services, markdown, searching, services, turns
from apps.chat.frames import Ask, Continue, Retry
from apps.chat.models import Conversation, Turn
from apps.chat.selectors import Line
from apps.chat.shelf import books_of_chats
from apps.chat.turnlog import Item, Status
from apps.core.database import in_database
from apps.llm.errors import Overloaded
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import router
from apps.search import finding, registry
from apps.search import selectors as searches
from apps.search.chain import Chain
from apps.search.models import Search
from apps.search.providers.base import EngineAway
from tests.chat.cast import answered, end_of, text_of, told
from tests.core.outside.servers import Local
from tests.search.web import QUESTION, Stub, found, web

pytestmark = pytest.mark.django_db(transaction=True)
TRUE = "It was opened on 4 May 1931 after six years of work [1]."


@pytest.fixture(autouse=True)
def kept_for_an_hour(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.CACHE_TTL = 3600
    monkeypatch.setattr(finding, "PER_HOST", 20)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Local]:
    """The small web with an engine that finds two of its pages."""
    async with web() as server:
        settings.FETCH_ALLOWED_PRIVATE = [server.place]
        before = registry.use(Chain([Stub(found(server, "bridge", "broken"))]))
        yield server
        registry.use(before)


async def ask(conversation: Conversation, text: str = QUESTION, **fields: Any) -> list[Item]:
    frame = Ask(id=uuid.uuid4(), text=text, search=True, **fields)
    begun = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
    return await told(conversation, begun.turn_id)


def known(conversation: Conversation) -> None:
    """A finished answer, which the search of chats knows."""
    turn = answered(conversation, "Where is it?", "The green umbrella stands behind the piano.")
    services.html_save(message=turn.answer, html="<p>…</p>", version=markdown.VERSION)


async def last_turn(conversation: Conversation) -> Turn:
    rows = Turn.objects.filter(conversation=conversation).select_related("answer").order_by("-created_at")
    return await in_database(lambda: rows[0])


async def test_the_steps_are_told_before_the_words(conversation: Conversation, model: Scripted, site: Local) -> None:
    steps = []
    original = searching.status_of

    def noted(step: Any) -> Status:
        steps.append(step)
        return original(step)

    searching.status_of = noted
    try:
        await ask(conversation)
    finally:
        searching.status_of = original
    assert steps[0].state == "searching"
    assert {(step.state, step.total) for step in steps} >= {("reading", 2), ("writing", None)}


async def test_a_kept_mark_leads_to_its_passage(conversation: Conversation, model: Scripted, site: Local) -> None:
    model.scripts = [Script(tokens=tuple(TRUE))]
    items = await ask(conversation)
    place = re.search(r"\[1\]\(/search/passages/([0-9a-f-]{36})/\)", text_of(items))
    assert place is not None
    passage = await in_database(searches.passage_get, user=conversation.owner, passage_id=uuid.UUID(place[1]))
    assert "opened on 4 May 1931" in passage.text
    turn = await last_turn(conversation)
    assert turn.answer.text == text_of(items)
    assert f'href="/search/passages/{place[1]}/">1</a>' in turn.answer.html
    saved = await in_database(searches.searches_of_messages, user=conversation.owner, message_ids=[turn.answer_id])
    row = saved[turn.answer_id]
    assert [(mark.number, str(mark.passage_id)) for mark in row.citations.all()] == [(1, place[1])]
    assert [source.state for source in row.sources.all()] == ["read", "failed"]


async def test_a_mark_that_rests_on_nothing_is_gone(conversation: Conversation, model: Scripted, site: Local) -> None:
    model.scripts = [Script(tokens=tuple("It cost 90 million crowns [1]. Dolphins dance [2]."))]
    assert text_of(await ask(conversation)) == "It cost 90 million crowns. Dolphins dance."


async def test_a_mark_at_the_very_end_is_not_lost(conversation: Conversation, model: Scripted, site: Local) -> None:
    model.scripts = [Script(tokens=("It was opened on 4 May 1931 ", "[1"))]
    assert text_of(await ask(conversation)).endswith("1931 [1")


async def test_the_model_reads_the_passages_and_the_chat_keeps_the_question(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    await ask(conversation)
    assert "opened on 4 May 1931" in model.calls[0].messages[-1].text
    turn = await last_turn(conversation)
    question = await in_database(lambda: Turn.objects.select_related("question").get(id=turn.id).question.text)
    assert question == QUESTION


async def test_a_later_question_does_not_hear_of_our_addresses(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    model.scripts = [Script(tokens=(TRUE,))]
    await ask(conversation)
    begun = await turns.start(
        user=conversation.owner, conversation_id=conversation.id, frame=Ask(id=uuid.uuid4(), text="Thanks")
    )
    await told(conversation, begun.turn_id)
    assert model.calls[-1].messages[-2].text == TRUE


async def test_another_version_searches_again(conversation: Conversation, model: Scripted, site: Local) -> None:
    await ask(conversation)
    first = await last_turn(conversation)
    begun = await turns.start(
        user=conversation.owner, conversation_id=conversation.id, frame=Retry(message=first.answer_id)
    )
    await told(conversation, begun.turn_id)
    saved = await in_database(searches.searches_of_messages, user=conversation.owner, message_ids=[begun.answer_id])
    assert begun.answer_id in saved


async def test_stop_ends_a_search(conversation: Conversation, model: Scripted, site: Local) -> None:
    registry.use(Chain([Stub(found(site, "slow"))]))
    frame = Ask(id=uuid.uuid4(), text=QUESTION, search=True)
    begun = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
    while turns.running_turns().live[begun.turn_id].log.status is None:
        await asyncio.sleep(0.01)
    await turns.stop(user=conversation.owner, conversation_id=conversation.id, turn_id=begun.turn_id)
    items = await told(conversation, begun.turn_id)
    assert end_of(items).done["finish_reason"] == "stopped"
    assert model.calls == []


async def test_without_internet_the_chats_are_the_library(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    other = await in_database(conversation_services.conversation_create, user=conversation.owner)
    await in_database(known, other)
    registry.use(Chain([Stub(failure=EngineAway("No line."))]))
    await ask(conversation, "Where did the umbrella stand again?")
    assert "green umbrella stands behind the piano" in model.calls[0].messages[-1].text


async def test_nobody_finds_the_chats_of_another(conversation: Conversation, bob: User) -> None:
    await in_database(known, conversation)
    mine = await in_database(books_of_chats, conversation.owner, "umbrella", 5)
    theirs = await in_database(books_of_chats, bob, "umbrella", 5)
    assert ([book.text for book in mine], theirs) == (["The green umbrella stands behind the piano."], [])


async def test_a_model_that_fails_after_a_search_fails_the_turn(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    model.scripts = [Script(failure=Overloaded("Too much."))]
    assert end_of(await ask(conversation)).done["finish_reason"] == "failed"


def test_a_short_question_is_searched_for_with_the_one_before() -> None:
    lines = [Line(0, "user", "Who built the bridge of Tarrow?"), Line(1, "assistant", "Ann."), Line(2, "user", "When?")]
    assert searching.query_of(lines) == "Who built the bridge of Tarrow? When?"
    assert searching.query_of(lines[:1]) == "Who built the bridge of Tarrow?"


@pytest.mark.parametrize(
    "address",
    [
        "/search/passages/",
        "/search/passages/../../admin/logout/",
        "/search/passages/0c8b1b6e-5b0e-4a43-9c8b-0d8f0f4f2b11/../../x/",
        "/admin/logout/",
        "//evil.example/search/passages/0c8b1b6e-5b0e-4a43-9c8b-0d8f0f4f2b11/",
    ],
)
def test_no_other_address_of_ours_becomes_a_link(address: str) -> None:
    assert "href" not in markdown.render(f"[1]({address})")


async def test_the_same_question_in_another_chat_comes_at_once(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    model.scripts = [Script(tokens=(TRUE,))]
    await router_knows_its_model()
    await ask(conversation)
    hits = site.hits
    other = await in_database(conversation_services.conversation_create, user=conversation.owner)
    items = await ask(other)
    assert end_of(items).done["cached"] is True
    assert re.search(r"\[1\]\(/search/passages/", text_of(items))
    assert (len(model.calls), site.hits) == (1, hits)


async def test_a_question_that_wants_nothing_kept_is_searched_for_anew(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    await router_knows_its_model()
    await ask(conversation)
    items = await ask(
        await in_database(conversation_services.conversation_create, user=conversation.owner), cache=False
    )
    assert end_of(items).done["cached"] is False
    assert len(model.calls) == 2


async def test_the_searches_of_a_chat_that_is_gone_for_good_are_gone_too(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    await ask(conversation)
    await in_database(
        conversation_services.conversation_delete, user=conversation.owner, conversation_id=conversation.id
    )
    await in_database(conversation_services.conversations_purge, now=timezone.now() + timedelta(days=2))
    assert await in_database(Search.objects.count) == 0


async def router_knows_its_model() -> None:
    """A question can only be found again where it is known which model answers it."""
    await router().models()


async def test_a_copied_answer_has_its_numbers_and_no_addresses(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    model.scripts = [Script(tokens=(TRUE,))]
    await ask(conversation)
    turn = await last_turn(conversation)
    client = Client()
    await in_database(client.force_login, conversation.owner)
    copied = await in_database(client.get, f"/c/{conversation.id}/m/{turn.answer_id}/text/")
    assert copied.content.decode() == TRUE


async def test_beside_the_built_in_model_the_passages_stand_open(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    await ask(conversation)
    client = Client()
    await in_database(client.force_login, conversation.owner)
    page = f"/c/{conversation.id}/"
    assert '<details class="sources">' in (await in_database(client.get, page)).content.decode()
    await in_database(Turn.objects.update, provider="builtin")
    body = (await in_database(client.get, page)).content.decode()
    assert '<details class="sources" open>' in body
    assert body.index("This is what the pages themselves say") < body.index('class="prose"')


async def test_an_answer_that_goes_on_keeps_to_what_was_found_for_it(
    conversation: Conversation, model: Scripted, site: Local
) -> None:
    model.scripts = [
        Script(tokens=(f"{TRUE} ", "It crosses the strait "), reason="length"),
        Script(tokens=("on nine arches [1]. It costs 5 crowns [1].",)),
    ]
    await ask(conversation)
    first, hits = await last_turn(conversation), site.hits
    begun = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=Continue(turn=first.id))
    await told(conversation, begun.turn_id)
    whole = (await last_turn(conversation)).answer.text
    assert re.sub(r"\(/search/[^)]*\)", "", whole) == (
        f"{TRUE} It crosses the strait on nine arches [1]. It costs 5 crowns."
    )
    assert model.calls[1].prefill == f"{TRUE} It crosses the strait "
    assert "opened on 4 May 1931" in model.calls[1].messages[-1].text
    assert site.hits == hits
    saved = await in_database(searches.searches_of_messages, user=conversation.owner, message_ids=[first.answer_id])
    assert [mark.position for mark in saved[first.answer_id].citations.all()] == [1, 2]
