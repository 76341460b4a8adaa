"""The search's interface for programs: the shapes that others count on, and nothing active in them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from tests import cast
from tests.core.outside.servers import Local
from tests.search.conftest import says
from tests.search.web import QUESTION, Stub, found

pytestmark = pytest.mark.django_db(transaction=True)
Post = Callable[..., Any]


@pytest.fixture
def post(alice: User) -> Post:
    client = Client(headers={"Authorization": f"Bearer {cast.key_of(alice, 'search')}"})

    def send(**body: Any) -> HttpResponse:
        return client.post("/api/search/", body, content_type="application/json")  # type: ignore[return-value]

    return partial(in_database, send)


async def test_an_answer_has_the_shape_of_the_contract(
    post: Post, site: Local, ask_engines: Callable[..., None], model: Scripted
) -> None:
    ask_engines(Stub(found(site, "bridge", "broken")))
    says(model, "It was opened on 4 May 1931 [1].")
    answered = json.loads((await post(query=QUESTION, answer=True)).content)
    assert answered["query"] == QUESTION
    assert answered["answer"] == "It was opened on 4 May 1931 [1]."
    assert (answered["engine"], answered["offline"], answered["cached"]) == ("stub", False, False)
    assert [(one["number"], one["state"]) for one in answered["sources"]] == [(1, "read"), (2, "failed")]
    assert "4 May 1931" in answered["sources"][0]["passages"][0]["text"]


async def test_without_a_wish_for_an_answer_no_model_is_asked(
    post: Post, site: Local, ask_engines: Callable[..., None], model: Scripted
) -> None:
    ask_engines(Stub(found(site, "bridge")))
    answered = json.loads((await post(query=QUESTION)).content)
    assert "answer" not in answered
    assert model.calls == []


async def test_pages_that_are_named_are_read(post: Post, site: Local, ask_engines: Callable[..., None]) -> None:
    answered = json.loads((await post(query=QUESTION, urls=[site.url("/bridge"), "http://127.0.0.1:1/"])).content)
    assert [one["state"] for one in answered["sources"]] == ["read", "refused"]


@pytest.mark.parametrize(
    "body", [{}, {"query": " "}, {"query": "x", "urls": "http://a.example"}, {"query": "x" * 2001}]
)
async def test_what_cannot_be_asked_is_a_400(post: Post, body: dict[str, Any]) -> None:
    assert (await post(**body)).status_code == 400


async def test_eleven_pages_are_too_many(post: Post) -> None:
    assert (await post(query="x", urls=["http://a.example"] * 11)).status_code == 400


async def test_searches_count_for_the_limit_of_questions(
    post: Post, ask_engines: Callable[..., None], settings: Settings
) -> None:
    ask_engines(Stub([]))
    settings.RATE_LIMIT_CHAT = "1/minute"
    first, second = [await post(query=f"{uuid.uuid4()}") for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["Retry-After"]) >= 1


async def test_a_search_that_is_sent_twice_is_made_once(
    alice: User, site: Local, ask_engines: Callable[..., None]
) -> None:
    engine = Stub(found(site, "bridge"))
    ask_engines(engine)
    client = Client(headers={"Authorization": f"Bearer {await in_database(cast.key_of, alice, 'search')}"})

    def send() -> Any:
        headers = {"idempotency-key": "once"}
        return client.post("/api/search/", {"query": QUESTION}, content_type="application/json", headers=headers)

    first, second = await in_database(send), await in_database(send)
    assert first.json()["id"] == second.json()["id"]
    assert (second.headers["Idempotent-Replayed"], len(engine.asked)) == ("true", 1)
