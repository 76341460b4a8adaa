"""Requests that come twice create once."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.chat.models import Attachment, Conversation
from apps.core.idempotency import AT_WORK, LIFETIME, LONGEST_WORK, replays_expire
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


# --- work that waits -------------------------------------------------------------------------------------------------


def attach(key: str, data: bytes = b"", *, name: str = "teal.png") -> Any:
    """Send a picture, which waits for its turn to be decoded."""
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "teal").save(out, "PNG")
    headers = {"idempotency-key": key, "authorization": f"Bearer {cast.key_of(cast.alice())}"}
    file = SimpleUploadedFile(name, data or out.getvalue(), "image/png")
    response: Any = Client(headers=headers).post("/api/attachments/", {"file": file})
    return response


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_is_one_attachment() -> None:
    first, second = attach("one"), attach("one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Attachment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_another_file_with_the_same_key_is_refused() -> None:
    attach("one")
    assert attach("one", b"something else").status_code == 422
    assert attach("one", name="other.png").status_code == 422


@pytest.mark.django_db(transaction=True)
def test_work_that_failed_frees_its_key() -> None:
    assert attach("one", b"no picture").status_code == 400
    assert not Replay.objects.exists()
    assert attach("one").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_at_work_the_second_is_told_to_come_back() -> None:
    attach("one")
    Replay.objects.update(status=AT_WORK)
    told = attach("one")
    assert (told.status_code, told.json()["code"]) == (409, "in_progress")
    assert int(told.headers["Retry-After"]) >= 1


@pytest.mark.django_db(transaction=True)
def test_what_died_at_work_is_done_anew() -> None:
    attach("one")
    Replay.objects.update(status=AT_WORK, created_at=timezone.now() - LONGEST_WORK - timedelta(seconds=1))
    assert attach("one").status_code == 201
    assert Attachment.objects.count() == 2


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
