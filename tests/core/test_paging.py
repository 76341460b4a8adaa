"""Long lists come in pages, and nothing is lost between two of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat import conversation_services
from tests import cast

URL = "/api/conversations/"
pytestmark = pytest.mark.django_db


def get(url: str) -> dict[str, Any]:
    response = Client().get(url, headers={"authorization": f"Bearer {cast.key_of(cast.alice())}"})
    found: dict[str, Any] = response.json()
    return found | {"status": response.status_code}


@pytest.fixture
def alice() -> User:
    return cast.alice()


@pytest.fixture
def five(alice: User) -> list[str]:
    return [str(conversation_services.conversation_create(user=alice, title=str(n)).pk) for n in range(5)]


def test_the_pages_together_are_everything_once(five: list[str]) -> None:
    seen, url = [], f"{URL}?limit=2"
    while url:
        page = get(url)
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == five[::-1]


def test_a_row_that_comes_in_between_moves_nothing(five: list[str], alice: User) -> None:
    first = get(f"{URL}?limit=3")
    conversation_services.conversation_create(user=alice)
    second = get(first["next"])
    assert [row["id"] for row in first["results"] + second["results"]] == five[::-1]


def test_one_can_go_back(five: list[str]) -> None:
    first = get(f"{URL}?limit=2")
    assert get(get(first["next"])["previous"])["results"] == first["results"]


@pytest.mark.parametrize("cursor", ["x", "Ä", "bz0tMQ==", "%ff%fe", "cD1nYXJiYWdl", "cD05OTk5LTk5LTk5"])
def test_a_made_up_cursor_is_the_callers_mistake(five: list[str], cursor: str) -> None:
    told = get(f"{URL}?cursor={cursor}")
    assert (told["status"], told["code"], told["hint"]) == (400, "bad_cursor", "Begin without a cursor.")


@pytest.mark.parametrize(("cursor", "status"), [("%00", 400), ("bz05OTk5OTk5OTk5OTk5", 200)])
def test_an_odd_cursor_is_no_failure(five: list[str], cursor: str, status: int) -> None:
    assert get(f"{URL}?cursor={cursor}")["status"] == status


@pytest.mark.parametrize("limit", ["0", "00", "-1", "x", "1.5", "٣", "²", "1 2"])
def test_a_limit_that_is_none_is_the_callers_mistake(five: list[str], limit: str) -> None:
    told = get(f"{URL}?limit={limit}")
    assert (told["status"], told["code"]) == (400, "invalid")
    assert "'limit'" in told["message"]


@pytest.mark.parametrize("limit", ["", "3", "003", "201", "99999999999999999999", "9" * 5000])
def test_any_number_is_a_limit(five: list[str], limit: str) -> None:
    page = get(f"{URL}?limit={limit}")
    assert (page["status"], len(page["results"])) == (200, min(5, int(limit[:9] or 50)))


def test_a_search_brings_as_many_as_were_asked_for(alice: User) -> None:
    for number in range(3):
        conversation_services.conversation_create(user=alice, title=f"Bread {number}")
    assert [len(get(f"{URL}?q=bread&limit={limit}")["results"]) for limit in (2, 3, 200)] == [2, 3, 3]
    assert get(f"{URL}?q=bread&limit=x")["status"] == 400
