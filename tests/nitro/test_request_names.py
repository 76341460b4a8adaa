"""One name from the page to the worker: what is logged over a job bears the name of the request that ordered it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts import hooks
from apps.accounts.models import Delivery, HookEvent, User
from apps.accounts.sockets import AsgiScope, Receive, Send, SignedInMiddleware
from apps.core import tracing
from apps.core.database import in_database
from apps.images import services as images
from apps.images import studio
from apps.images.models import ImageJob
from apps.voice import jobs, transcribing
from tests import cast
from tests.images import conftest as of_images
from tests.images import engines
from tests.voice.recordings import recording

pytestmark = pytest.mark.django_db(transaction=True)
engine, files = of_images.engine, of_images.files
FORM = {"prompt": "a boat", "size": "64x64", "n": "1", "steps": "5", "guidance": "7", "seed": ""}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return cast.alice()


@pytest.fixture
def page(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def named(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, with the names that the log's own filter puts in."""
    names = tracing.Names()
    caplog.handler.addFilter(names)
    yield caplog
    caplog.handler.removeFilter(names)
    tracing.go_on("")


def broken(*_: object, **__: object) -> Any:
    raise ValueError("a defect")


def names_of(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [str(vars(record)["request_id"]) for record in caplog.records if words in record.getMessage()]


def test_a_picture_bears_the_name_of_its_order(
    page: Client, engine: engines.Scripted, files: object, named: pytest.LogCaptureFixture
) -> None:
    for name in ("order-00001", "order-00002"):
        page.post("/images/order/", FORM, headers={"HX-Request": "true", "X-Request-ID": name})
    engine.error = ValueError("a defect")
    tracing.go_on("")
    assert studio.work() == 2
    assert names_of(named, "An engine failed") == ["order-00001", "order-00002"]
    assert tracing.current() == ""


def test_who_tries_again_gives_the_new_name(
    page: Client, alice: User, engine: engines.Scripted, files: object, named: pytest.LogCaptureFixture
) -> None:
    page.post("/images/order/", FORM, headers={"HX-Request": "true", "X-Request-ID": "order-00001"})
    job = ImageJob.objects.get()
    images.job_cancel(user=alice, job_id=job.id)
    page.post(f"/images/jobs/{job.id}/retry/", headers={"HX-Request": "true", "X-Request-ID": "again-00001"})
    assert ImageJob.objects.get().asked_by == "again-00001"


def test_a_recording_bears_the_name_of_its_request(
    alice: User, monkeypatch: pytest.MonkeyPatch, named: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transcribing, "decoded_to_file", broken)
    headers = {"Authorization": f"Bearer {cast.key_of(alice, 'voice')}", "X-Request-ID": "voice-00001"}
    file = SimpleUploadedFile("a.wav", recording("wav"))
    assert Client().post("/api/voice/recordings/", {"file": file}, headers=headers).status_code == 202
    tracing.go_on("")
    with pytest.raises(ValueError, match="a defect"):
        jobs.run_next()
    assert names_of(named, "could not be transcribed") == ["voice-00001"]


def test_a_webhook_is_called_in_the_name_of_what_set_it_off(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    async def post(*_: object) -> Any:
        heard.append(tracing.current())
        return type("Answer", (), {"status": 204})

    monkeypatch.setattr(hooks, "post", post)
    hooks.webhook_create(user=alice, url="https://example.org/x", events=[HookEvent.ANSWER])
    for name in ("answer-00001", "answer-00002"):
        with tracing.during(name):
            hooks.announce(user_id=alice.pk, event=HookEvent.ANSWER, data={})
    tracing.go_on("")
    assert hooks.deliveries_send(now=timezone.now()) == 2
    assert sorted(heard) == ["answer-00001", "answer-00002"]
    assert {row.asked_by for row in Delivery.objects.all()} == set(heard)


async def test_what_a_socket_sets_off_bears_the_name_of_its_opening(transactional_db: None) -> None:
    heard: list[str] = []

    async def inner(scope: AsgiScope, receive: Receive, send: Send) -> None:
        heard.append(await in_database(tracing.current))
        heard.append(await asyncio.ensure_future(in_database(tracing.current)))

    key = await in_database(lambda: cast.key_of(cast.alice(), "chat"))
    given = [(b"authorization", f"Bearer {key}".encode()), (b"x-request-id", b"socket-00001")]
    scope = {"type": "websocket", "headers": given}
    await SignedInMiddleware(inner)(scope, asyncio.Queue().get, asyncio.Queue().put)
    assert heard == ["socket-00001"] * 2


async def test_nothing_of_one_caller_stays_in_a_database_thread() -> None:
    with tracing.during("caller-00001"):
        assert await in_database(tracing.current) == "caller-00001"
    tracing.go_on("")
    assert await in_database(tracing.current) == ""
