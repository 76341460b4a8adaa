"""Lists that stay fast: nothing is counted to the end, searches go by index, and queries do not grow with rows."""

from __future__ import annotations

from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.chat.models import Conversation, Message, Turn
from apps.core.office import lists
from apps.core.office.lists import EstimatingPaginator, ReadOnlyAdmin
from tests import cast

pytestmark = pytest.mark.django_db
LISTS = (
    "chat/conversation", "chat/turn", "chat/attachment", "images/imagejob", "images/image", "voice/recording",
    "voice/clip", "search/search", "llm/pull", "accounts/user", "accounts/apikey", "accounts/dailyusage",
    "accounts/signinlink", "accounts/webhook", "accounts/delivery", "accounts/grouplimit", "auth/group",
    "core/auditentry", "core/bulkjob", "admin/logentry", "monitor/cleanup", "monitor/alert", "monitor/notice",
    "django_celery_beat/periodictask",
)  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_and_takes_any_search(office: Client, name: str) -> None:
    address = f"/admin/{name}/"
    assert office.get(address).status_code == 200
    for term in ("alice", "%", "11111111-2222-4333-8444-555555555555", "<script>", "ß" * 300):
        page = office.get(address, {"q": term})
        assert page.status_code == 200, term
        assert b'<script>"' not in page.content


def turn(owner: User) -> Turn:
    chat = Conversation.objects.create(owner=owner)
    question = Message.objects.create(conversation=chat, role="user", text="canary")
    answer = Message.objects.create(conversation=chat, role="assistant", parent=question)
    return Turn.objects.create(conversation=chat, question=question, answer=answer, state="done")


@pytest.mark.parametrize("name", ["chat/conversation", "chat/turn", "accounts/user"])
def test_twenty_rows_cost_the_queries_of_one(office: Client, name: str) -> None:
    turn(cast.alice())
    office.get(f"/admin/{name}/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        office.get(f"/admin/{name}/")
    for number in range(20):
        turn(cast.person(f"person-{number}"))
    with CaptureQueriesContext(connection) as many:
        office.get(f"/admin/{name}/")
    assert len(many) <= len(few)


def test_a_search_takes_an_id_or_the_beginning_of_a_name(office: Client) -> None:
    hers, his = turn(cast.alice()), turn(cast.bob())
    for term, found, other in (
        (str(hers.pk), hers, his),
        (str(hers.conversation_id), hers, his),
        ("ali", hers, his),
        (" bob ", his, hers),
    ):
        page = office.get("/admin/chat/turn/", {"q": term}).content.decode()
        assert str(found.pk) in page, term
        assert str(other.pk) not in page, term


@pytest.mark.parametrize("name", ["chat/conversation", "accounts/apikey"])
def test_a_search_says_where_it_leaves_people_out(office: Client, name: str) -> None:
    people = [cast.person(f"person-{number:02}") for number in range(lists.MOST_PEOPLE)]
    assert lists.MORE_PEOPLE not in found_by(office, name, "person-")
    last = Conversation.objects.create(owner=cast.person("person-99"))
    assert lists.MORE_PEOPLE in found_by(office, name, "person-")
    for term in ("person-9", people[0].username, str(last.pk), ""):
        assert lists.MORE_PEOPLE not in found_by(office, name, term)
    assert str(last.pk) in found_by(office, "chat/conversation", "person-9")


def found_by(office: Client, name: str, term: str) -> str:
    return unescape(office.get(f"/admin/{name}/", {"q": term}).content.decode())


def test_people_themselves_are_all_found(office: Client) -> None:
    people = [cast.person(f"person-{number:02}").username for number in range(lists.MOST_PEOPLE + 5)]
    page = found_by(office, "accounts/user", "person-")
    assert all(name in page for name in people)
    assert lists.MORE_PEOPLE not in page


def test_no_search_looks_through_text(office: Client) -> None:
    turn(cast.alice())
    with CaptureQueriesContext(connection) as asked:
        for name in ("chat/conversation", "chat/turn", "images/imagejob", "search/search", "voice/recording"):
            office.get(f"/admin/{name}/", {"q": "canary"})
    assert not [query["sql"] for query in asked if "LIKE '%" in query["sql"] or "UPPER(" in query["sql"]]


def test_a_whole_table_is_estimated_beyond_some_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "EXACT_UP_TO", 3)
    monkeypatch.setattr(lists, "ROWS_TO_LEAF_THROUGH", 4)
    for _ in range(5):
        Conversation.objects.create(owner=cast.alice())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_conversation")
    assert EstimatingPaginator(Conversation.objects.order_by("pk"), 2).count == 5
    with CaptureQueriesContext(connection) as asked:
        found = EstimatingPaginator(Conversation.objects.filter(deleted_at=None).order_by("pk"), 2)
        assert (found.count, found.num_pages) == (4, 2)
    assert "LIMIT 4" in asked[0]["sql"]


def test_the_list_says_about_where_it_did_not_count(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        Conversation.objects.create(owner=cast.alice())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_conversation")
    monkeypatch.setattr(lists, "EXACT_UP_TO", 3)
    assert "about 5 conversations" in office.get("/admin/chat/conversation/").content.decode()
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 2)
    found = office.get("/admin/chat/conversation/?q=ali").content.decode()
    for words in ("", "Select all ", "All "):
        assert f"{words}more than 3 " in found
    assert "more than 3 results" in found


def test_groups_show_their_limits(office: Client) -> None:
    form = {
        "name": "guests",
        "nitro_limit-TOTAL_FORMS": 1,
        "nitro_limit-INITIAL_FORMS": 0,
        "nitro_limit-0-rate": "5/minute",
    }
    assert office.post("/admin/auth/group/add/", form).status_code == 302
    assert b"5/minute" in office.get("/admin/auth/group/").content
