"""Requests that come twice create once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.chat.models import Conversation
from apps.core.idempotency import LIFETIME, replays_expire
from apps.core.models import Replay
from tests import cast

URL = "/api/conversations/"


def post(key: str, body: Any = None, *, secret: str = "") -> Any:
    headers = {"idempotency-key": key, "authorization": f"Bearer {secret or cast.key_of(cast.alice())}"}
    response: Any = Client(headers=headers).post(URL, body or {"title": "Bread"}, content_type="application/json")
    return response


@pytest.mark.django_db
def test_the_same_request_twice_makes_one_chat_and_gives_the_same_answer() -> None:
    first, second = post("one"), post("one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Conversation.objects.count() == 1


@pytest.mark.django_db
def test_another_body_with_the_same_key_is_refused() -> None:
    post("one")
    response = post("one", {"title": "Cake"})
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert Conversation.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_of_somebody_else_is_another_key() -> None:
    post("one")
    assert post("one", secret=cast.key_of(cast.bob())).status_code == 201
    assert Conversation.objects.count() == 2


@pytest.mark.django_db
def test_a_failure_is_not_kept() -> None:
    assert post("one", {"title": "x" * 200}).status_code == 400
    assert not Replay.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 201, "a\x7fb"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    assert post(key).status_code == 400


@pytest.mark.django_db
def test_after_a_day_the_key_is_free_again() -> None:
    post("one")
    Replay.objects.update(created_at=timezone.now() - LIFETIME - timedelta(minutes=1))
    assert post("one", {"title": "Cake"}).status_code == 201


@pytest.mark.django_db
def test_old_answers_are_forgotten() -> None:
    post("one")
    assert replays_expire(now=timezone.now()) == 0
    assert replays_expire(now=timezone.now() + LIFETIME + timedelta(minutes=1)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_creates() -> None:
    secret = cast.key_of(cast.alice())
    bodies: list[bytes] = []

    def send() -> None:
        bodies.append(post("one", secret=secret).content)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(bodies)) == 1
    assert len(bodies) == 5
    assert Conversation.objects.count() == 1
