"""Webhooks: who is told of what, how it is signed, and how long it is tried."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import hooks
from apps.accounts.models import Delivery, HookEvent, User, Webhook
from apps.core.errors import Invalid, NitroError, NotFound
from tests import cast

pytestmark = pytest.mark.django_db
ANSWER = HookEvent.ANSWER


class Ear:
    """A server of Alice's: keeps what it heard, and answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = ""


@pytest.fixture
def ear(settings: Any) -> Iterator[Ear]:
    one = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.heard.append((dict(self.headers), body))
            self.send_response(one.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        one.url = f"http://127.0.0.1:{server.server_port}/nitro"
        settings.FETCH_ALLOWED_PRIVATE = [("127.0.0.1", server.server_port)]
        yield one
        server.shutdown()
        thread.join()


def hook(user: User, url: str, *events: str) -> Webhook:
    return hooks.webhook_create(user=user, url=url, events=events or [ANSWER])


def announce(user: User, text: str = "Good day") -> int:
    return hooks.announce(user_id=user.pk, event=ANSWER, data={"text": text})


def send(now: datetime | None = None) -> int:
    return hooks.deliveries_send(now=now or timezone.now())


def test_a_message_arrives_and_its_signature_is_right(alice: User, ear: Ear) -> None:
    made = hook(alice, ear.url)
    announce(alice)
    assert send() == 1
    ((headers, body),) = ear.heard
    assert orjson.loads(body)["data"] == {"text": "Good day"}
    assert headers["X-Nitro-Event"] == "answer.done"
    at, signed = headers["X-Nitro-Signature"].removeprefix("t=").split(",v1=")
    assert signed == hmac.new(made.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_what_was_taken_is_not_sent_again(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    assert (send(), send()) == (1, 0)
    assert len(ear.heard) == 1


def test_what_failed_is_tried_later_and_later_and_given_up_in_the_end(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    ear.status = 500
    now, waits = timezone.now(), []
    while (row := Delivery.objects.get()).next_at is not None:
        assert send(now + timedelta(seconds=1)) == 0
        row.refresh_from_db()
        if row.next_at is not None:
            waits.append((row.next_at - now).total_seconds())
            now = row.next_at
    assert len(ear.heard) == len(hooks.PAUSES) + 1
    assert waits == sorted(waits)
    assert "500" in row.problem


def test_it_arrives_once_the_server_is_back(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    ear.status = 503
    send()
    ear.status = 200
    assert send(timezone.now() + timedelta(minutes=5)) == 1


def test_an_address_inside_of_the_house_is_never_called(alice: User, ear: Ear, settings: Any) -> None:
    hook(alice, ear.url)
    settings.FETCH_ALLOWED_PRIVATE = []
    announce(alice)
    assert send() == 0
    assert not ear.heard
    assert Delivery.objects.get().problem


def test_only_those_who_wanted_it_are_told(alice: User, bob: User, ear: Ear) -> None:
    hook(alice, ear.url, HookEvent.IMAGE)
    hook(bob, ear.url)
    assert announce(alice) == 0


def test_two_workers_do_not_send_the_same(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    (row,) = Delivery.objects.all()
    now = timezone.now()
    assert [hooks._claim(row.pk, now), hooks._claim(row.pk, now)] == [True, False]


def test_nobody_calls_who_was_switched_off(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    User.objects.update(is_active=False)
    assert announce(alice) == 0


def test_what_was_to_be_told_to_somebody_who_was_switched_off_waits(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    User.objects.update(is_active=False)
    assert (send(), ear.heard) == (0, [])
    User.objects.update(is_active=True)
    assert send() == 1


def test_old_messages_are_forgotten(alice: User, ear: Ear) -> None:
    hook(alice, ear.url)
    announce(alice)
    assert hooks.deliveries_expire(now=timezone.now() + timedelta(days=8)) == 1


def test_who_has_webhooks_is_known_a_moment_later(alice: User, bob: User, ear: Ear) -> None:
    hook(alice, ear.url)
    hooks.forget()
    hooks.look()
    assert (hooks.is_called(user_id=alice.pk), hooks.is_called(user_id=bob.pk)) == (True, False)
    hooks.forget()


@pytest.mark.parametrize(
    "url", ["", "bread", "ftp://example.org/", "file:///etc/passwd", "http://user:word@example.org/"]
)
def test_what_is_no_address_is_refused(alice: User, url: str) -> None:
    with pytest.raises(NitroError):
        hook(alice, url)


def test_there_are_not_too_many(alice: User) -> None:
    for number in range(hooks.MOST):
        hook(alice, f"https://example.org/{number}")
    with pytest.raises(Invalid):
        hook(alice, "https://example.org/more")


def test_nobody_deletes_the_webhook_of_another(alice: User, bob: User) -> None:
    made = hook(alice, "https://example.org/")
    with pytest.raises(NotFound):
        hooks.webhook_delete(user=bob, webhook_id=made.pk)
    assert Webhook.objects.exists()


def test_the_secret_is_shown_once_and_stands_in_no_row(alice: User) -> None:
    program = Client(headers={"authorization": f"Bearer {cast.key_of(alice)}"})
    wish = {"url": "https://example.org/", "events": ["answer.done"]}
    made = program.post("/api/webhooks/", wish, content_type="application/json").json()
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in str(Webhook.objects.values().get())
    assert "secret" not in program.get(f"/api/webhooks/{made['id']}/").json()
    assert made["secret"] not in program.get("/api/webhooks/").content.decode()


def test_the_settings_page_makes_and_deletes_one(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    page = browser.post("/settings/webhooks/", {"url": "https://example.org/x", "events": ["answer.done"]})
    made = Webhook.objects.get()
    assert made.secret in page.content.decode()
    assert made.secret not in browser.get("/settings/").content.decode()
    assert browser.post("/settings/webhooks/", {"url": "http://[::1", "events": ["answer.done"]}).status_code == 400
    assert browser.post(f"/settings/webhooks/{made.pk}/delete/").status_code == 302
    assert not Webhook.objects.exists()


def test_sending_nothing_opens_nothing() -> None:
    assert asyncio.run(hooks._send_all([])) == []
