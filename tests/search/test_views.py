"""The pages of search: what they show, whose it is, and that nothing in them is ever active."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.core import retention
from apps.core.database import in_database
from apps.core.errors import NotFound
from apps.core.models import BulkJob
from apps.search import bulk, models, selectors, services
from apps.search.cards import link_of, quotation
from apps.search.marks import Citation
from apps.search.models import Search
from apps.search.providers.base import EngineAway
from apps.search.values import Findings, Page, Passage, Source, State
from tests import cast
from tests.core.outside.servers import Local
from tests.search.web import QUESTION, Stub, found

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>javascript:alert(3)"
TEXT = "Before it stands this. The bridge was opened in 1931. After it stands that."


def saved(user: User, text: str = TEXT, **fields: str) -> Search:
    """A search of somebody with one page that was read and one that was not."""
    page = Page(fields.get("url", "https://a.example/"), fields.get("title", "A page"), State.READ, text)
    failed = Page(
        fields.get("other", "https://b.example/"), "B", State.FAILED, reason=fields.get("reason", "It failed.")
    )
    sources = [Source(1, page, fields.get("snippet", ""), [Passage(23, 53, text[23:53])]), Source(2, failed)]
    findings = Findings(fields.get("query", "When?"), "stub", sources, note=fields.get("note", ""))
    return services.search_save(user=user, findings=findings, message_id=uuid.uuid4())


def test_the_room_lists_the_searches_newest_first(visitor: Client, alice: User) -> None:
    saved(alice, query="the older one")
    saved(alice, query="the newer one")
    body = visitor.get("/search/").content.decode()
    assert body.index("the newer one") < body.index("the older one")


def test_the_room_says_what_leaves_the_machine(visitor: Client, ask_engines: object) -> None:
    assert "Nothing leaves this machine" in visitor.get("/search/").content.decode()


def test_engines_have_the_names_that_people_know(visitor: Client, alice: User, ask_engines: object) -> None:
    duck, brave = Stub(), Stub()
    duck.kind, brave.kind = "ddgs", "brave"
    ask_engines(brave, duck)  # type: ignore[operator]
    assert "Asks Brave, then DuckDuckGo." in visitor.get("/search/").content.decode()
    Search.objects.filter(pk=saved(alice).pk).update(engine="ddgs")
    assert "· DuckDuckGo" in visitor.get("/search/").content.decode()


def test_a_search_shows_what_was_read_and_why_the_rest_was_not(visitor: Client, alice: User) -> None:
    body = visitor.get(f"/search/{saved(alice).pk}/").content.decode()
    assert "The bridge was opened in 1931." in body
    assert "It failed." in body
    assert "Read 1 of 2 pages" in body


def test_a_passage_stands_between_its_surroundings(visitor: Client, alice: User) -> None:
    search = saved(alice)
    passage = search.sources.get(number=1).passages.get()
    services.search_cite(
        user=alice, search_id=search.pk, marks=[Citation(1, Passage(23, 53, "", id=passage.pk), "It opened in 1931")]
    )
    body = visitor.get(f"/search/passages/{passage.pk}/").content.decode()
    assert "Before it stands this. <mark>The bridge was opened in 1931.</mark>" in body
    assert "It opened in 1931" in body
    fragment = visitor.get(f"/search/passages/{passage.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "<mark>" in fragment


def test_surroundings_are_cut_at_words(alice: User) -> None:
    text = "word " * 200 + "QUOTED" + " word" * 200
    page = Page("https://a.example/", "A", State.READ, text)
    passage = Passage(1000, 1006, "QUOTED")
    services.search_save(user=alice, findings=Findings("?", "stub", [Source(1, page, "", [passage])]))
    found = quotation(selectors.passage_get(user=alice, passage_id=passage.id))
    assert found.before.startswith("… word ")
    assert found.after.endswith(" word …")


def test_nothing_of_a_page_is_active_anywhere(visitor: Client, alice: User) -> None:
    text = f"{HOSTILE} " * 3
    search = saved(
        alice, text, url="javascript:alert(4)", other=f"data:text/html,{HOSTILE}", title=HOSTILE, snippet=HOSTILE,
        reason=HOSTILE, note=HOSTILE, query=HOSTILE,
    )  # fmt: skip
    passage = search.sources.get(number=1).passages.get()
    admin = Client()
    admin.force_login(cast.admin())
    pages = [
        visitor.get("/search/"),
        visitor.get(f"/search/{search.pk}/"),
        visitor.get(f"/search/passages/{passage.pk}/"),
        visitor.get(f"/search/of/{search.message_id}/"),
        admin.get("/admin/search/search/"),
        admin.get(f"/admin/search/search/{search.pk}/change/"),
    ]
    for answer in pages:
        body = answer.content.decode()
        assert answer.status_code == 200
        assert not re.search(r"<script>alert|<img src=x|href=\"(javascript|data):", body)
    answer = visitor.get(f"/api/search/{search.pk}/")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_admin_shows_neither_questions_nor_what_was_found(alice: User, client: Client) -> None:
    search = saved(alice, query="canary question", title="canary title")
    client.force_login(cast.admin())
    for path in ("/admin/search/search/", f"/admin/search/search/{search.pk}/change/"):
        assert "canary" not in client.get(path).content.decode()


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/", "https://a.example/"),
        ("/c/0c8b1b6e/#m-1", "/c/0c8b1b6e/#m-1"),
        ("javascript:alert(1)", ""),
        ("//evil.example/", ""),
        ("/admin/logout/", ""),
        ("http://[::1", ""),
        ("JaVaScRiPt:alert(1)", ""),
    ],
)
def test_only_pages_and_own_chats_become_links(url: str, link: str) -> None:
    assert link_of(url) == link


def test_a_forgotten_search_is_gone_with_all_that_was_read(visitor: Client, alice: User) -> None:
    search = saved(alice)
    assert visitor.post(f"/search/{search.pk}/delete/").status_code == 302
    assert not Search.objects.exists()


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for path in ("/search/begin/", f"/search/{saved(alice).pk}/delete/"):
        assert client.post(path, {"query": "x"}).status_code == 403


def test_old_searches_of_no_chat_are_let_go(alice: User) -> None:
    kept, gone = saved(alice), saved(alice)
    Search.objects.update(created_at=timezone.now() - timedelta(days=40))
    Search.objects.filter(pk=kept.pk).update(conversation_id=uuid.uuid4())
    before = timezone.now() - timedelta(days=30)
    assert retention.idle(before)["searches"] == 1
    retention.hide(before)
    assert [row.pk for row in selectors.search_list(user=alice)] == [kept.pk]
    assert services.searches_purge(now=timezone.now()) == 0
    assert services.searches_purge(now=timezone.now() + timedelta(days=1, minutes=1)) == 1
    assert list(Search.objects.values_list("pk", flat=True)) == [kept.pk] != [gone.pk]


def test_a_hidden_search_is_nowhere_and_can_be_brought_back_for_good(visitor: Client, alice: User) -> None:
    gone = saved(alice)
    passage = models.Passage.objects.filter(source__search=gone).first()
    assert passage is not None
    Search.objects.update(created_at=timezone.now() - timedelta(days=40))
    before = timezone.now() - timedelta(days=30)
    assert selectors.pages_search(user=alice, query="bridge", limit=5)
    assert services.searches_hide(before, 10) == 1
    assert visitor.get(f"/search/{gone.pk}/").status_code == 404
    assert selectors.pages_search(user=alice, query="bridge", limit=5) == []
    with pytest.raises(NotFound):
        selectors.passage_get(user=alice, passage_id=passage.pk)
    assert bulk.restore(BulkJob(), [str(gone.pk)]) == 1
    assert visitor.get(f"/search/{gone.pk}/").status_code == 200
    assert retention.idle(before)["searches"] == 0


@pytest.mark.django_db(transaction=True)
async def test_the_form_alone_finds_pages_without_any_model(
    alice: User, site: Local, ask_engines: object, settings: Settings
) -> None:
    ask_engines(Stub(found(site, "bridge")))  # type: ignore[operator]
    client = Client()
    await in_database(client.force_login, alice)
    answer = await in_database(client.post, "/search/begin/", {"query": QUESTION})
    assert answer.status_code == 302
    shown = await in_database(client.get, answer.headers["Location"])
    assert "4 May 1931" in shown.content.decode()


@pytest.mark.django_db(transaction=True)
async def test_without_internet_the_page_says_so(alice: User, ask_engines: object) -> None:
    ask_engines(Stub(failure=EngineAway("No line.")))  # type: ignore[operator]
    client = Client()
    await in_database(client.force_login, alice)
    answer = await in_database(client.post, "/search/begin/", {"query": QUESTION})
    shown = await in_database(client.get, answer.headers["Location"])
    assert "The internet cannot be reached" in shown.content.decode()
