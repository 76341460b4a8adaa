"""What Sentry gets to know: where something broke, and nobody's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from apps.core import reporting


class Post(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__({})
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(dict(event))


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    settings.SENTRY_DSN = "https://key@sentry.invalid/1"
    made = Post()
    assert reporting.start("0.1.0", transport=made)
    yield made
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_nothing_is_reported_unless_somebody_asks(settings: Settings) -> None:
    settings.SENTRY_DSN = ""
    assert not reporting.start("0.1.0")


def test_a_report_has_the_place_and_no_words(post: Post) -> None:
    prompt = "canary: my diagnosis"
    try:
        raise ValueError(f"duplicate key (title)=({prompt})")
    except ValueError as error:
        sentry_sdk.set_user({"username": "canary"})
        sentry_sdk.capture_exception(error)
    (event,) = post.events
    assert "canary" not in json.dumps(event, default=str)
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "test_a_report_has_the_place_and_no_words"
    assert event["release"] == "nitro@0.1.0"


def test_of_a_request_only_its_method_is_kept() -> None:
    request = {"method": "POST", "url": "https://x/c/canary", "cookies": "canary", "data": "canary", "headers": {}}
    event = reporting.scrubbed({"request": request, "message": "canary", "transaction": "/accounts/link/abcdefghij/"})
    assert event["request"] == {"method": "POST"}
    assert "canary" not in json.dumps(event)
    assert "abcdefghij" not in json.dumps(event)


def test_without_the_package_the_start_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SENTRY_DSN = "https://key@sentry.invalid/1"
    monkeypatch.setitem(__import__("sys").modules, "sentry_sdk", None)
    with pytest.raises(ImproperlyConfigured, match="nitro extras sentry"):
        reporting.start("0.1.0")
