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


@pytest.mark.parametrize("limit", ["0", "-1", "x", "99999999999999999999"])
def test_an_odd_limit_is_no_failure(five: list[str], limit: str) -> None:
    assert get(f"{URL}?limit={limit}")["status"] == 200
