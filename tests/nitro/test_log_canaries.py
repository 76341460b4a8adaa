"""Whatever door they come through, people's words and secrets stay out of the log, in both of its forms."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import hooks, services
from apps.accounts.models import Delivery, HookEvent, User
from apps.chat.models import Conversation
from apps.core.database import in_database
from apps.images import studio
from apps.llm.providers.scripted import Script, Scripted
from apps.search.providers.base import EngineAway
from apps.voice import clips, registry
from nitro.celery import make
from tests import cast
from tests.chat import conftest as of_chat
from tests.chat.programs import COMPLETIONS, post
from tests.chat.wire import Wire
from tests.images import conftest as of_images
from tests.images import engines
from tests.nitro import canaries
from tests.nitro.canaries import SECRET, WORD, Defect, Log, defective, quoting
from tests.receiver import receiving
from tests.search import conftest as of_search
from tests.search.web import Stub

pytestmark = pytest.mark.django_db(transaction=True)
log = canaries.log
model, conversation = of_chat.model, of_chat.conversation
engine, files = of_images.engine, of_images.files
ask_engines, nothing_kept = of_search.ask_engines, of_search.nothing_kept


@pytest.fixture
def alice(transactional_db: None) -> User:
    return cast.alice()


# --- the chat --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [None, quoting(), Defect(f"{WORD} Bearer {SECRET}")])
@pytest.mark.parametrize("path", ["/api/chat/", COMPLETIONS])
async def test_questions_of_programs(log: Log, model: Scripted, path: str, failure: Any) -> None:
    model.scripts = [Script(tokens=("Yes ",), failure=failure)]
    key = await in_database(lambda: cast.key_of(cast.alice(), "chat"))
    body = {"message": WORD, "model": "scripted", "messages": [{"role": "user", "content": WORD}]}
    allowed = ("message",) if path == "/api/chat/" else ("model", "messages")
    heard = await post(path, {name: body[name] for name in allowed}, key)
    assert (heard.status == 200) is (failure is None)
    assert log.keeps(key, WORD) if failure is None else log.keeps(key)


@pytest.mark.parametrize("failure", [None, quoting(), Defect(f"{WORD} Bearer {SECRET}")])
async def test_questions_by_websocket(log: Log, conversation: Conversation, model: Scripted, failure: Any) -> None:
    model.scripts = [Script(tokens=("Yes ",), failure=failure)]
    async with Wire(conversation.owner, conversation.id) as wire:
        await wire.ask(WORD)
        await wire.to_the_end()
        await wire.say_raw('{"type": "' + WORD)
        await wire.next()
    assert log.keeps()


def test_a_defect_is_told_with_its_place(log: Log) -> None:
    try:
        defective()
    except Defect as error:
        logging.getLogger("apps.chat").exception("It failed: %s", error)
    assert log.keeps()
    assert log.of("INFO").count("defective") >= 2
    assert "Defect" in log.of("INFO")
    assert WORD in log.of("DEBUG")


def test_what_the_database_refuses_is_not_quoted(log: Log, transactional_db: None) -> None:
    with pytest.raises(IntegrityError, match=WORD) as caught, transaction.atomic():
        Conversation(title=WORD).save()
    logging.getLogger("apps.chat").error("It failed: %s", caught.value, exc_info=caught.value)
    assert log.keeps()
    assert "IntegrityError: null value" in log.of("INFO")


# --- the other rooms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, Defect(f"{WORD} Bearer {SECRET}")])
def test_pictures_by_form_and_program(
    log: Log, files: object, engine: engines.Scripted, alice: User, error: Exception | None
) -> None:
    engine.error = error
    form = {"prompt": WORD, "size": "64x64", "n": "1", "steps": "5", "guidance": "7", "seed": ""}
    page, key = Client(), cast.key_of(alice, "images")
    page.force_login(alice)
    assert page.post("/images/order/", form, headers={"HX-Request": "true"}).status_code == 200
    program = Client(headers={"Authorization": f"Bearer {key}"})
    order = {"prompt": WORD, "size": "64x64"}
    assert program.post("/api/images/", order, content_type="application/json").status_code < 300
    studio.work()
    assert log.keeps(key, page.cookies["sessionid"].value)
    assert ("engine failed" in log.of("INFO")) is (error is not None)


def test_searches(log: Log, ask_engines: Any, alice: User) -> None:
    stub = Stub(failure=EngineAway(f"The engine refused {WORD} with key sk-{SECRET}"))
    ask_engines(stub)
    page, key = Client(), cast.key_of(alice, "search")
    page.force_login(alice)
    page.get("/search/", {"q": WORD})
    page.post("/search/begin/", {"query": WORD, "q": WORD})
    program = Client(headers={"Authorization": f"Bearer {key}"})
    program.post("/api/search/", {"query": WORD}, content_type="application/json")
    assert set(stub.asked) == {WORD}
    assert log.keeps(key)


@pytest.mark.parametrize("fails", [False, True])
def test_spoken_texts(log: Log, alice: User, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    if fails:
        monkeypatch.setattr(clips, "make", defective)
    key = cast.key_of(alice, "voice")
    program = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)
    heard = program.post("/api/voice/speak/", {"text": WORD}, content_type="application/json")
    assert heard.status_code == (500 if fails else 200)
    assert registry.speaker().kind
    assert log.keeps(key)


# --- doors and deliveries --------------------------------------------------------------------------------------------


def test_signing_in_rightly_and_wrongly(log: Log, db: None) -> None:
    services.user_create(username="anna", password=SECRET)
    for password in (f"wrong-{SECRET}", SECRET):
        visitor = Client(enforce_csrf_checks=True)
        visitor.get("/accounts/sign-in/")
        token = visitor.cookies["csrftoken"].value
        form = {"username": "anna", "password": password, "csrfmiddlewaretoken": token}
        assert visitor.post("/accounts/sign-in/", form).status_code in {200, 302, 403, 429}
        assert visitor.post("/accounts/sign-in/", {**form, "csrfmiddlewaretoken": SECRET}).status_code == 403
    assert log.keeps(token, visitor.cookies["sessionid"].value)


def test_links_and_keys_that_are_wrong(log: Log, alice: User) -> None:
    link = services.sign_in_link_create(user=alice)
    visitor = Client(headers={"Authorization": f"Bearer nk_{SECRET}"})
    visitor.get(link.replace("http://localhost:8000", ""))
    visitor.get(f"/accounts/link/{SECRET}/")
    visitor.get("/api/chat/", {"key": SECRET})
    assert "/accounts/link/" in log.of("DEBUG")
    assert log.keeps(link.split("/")[-2])


@pytest.mark.parametrize("status", [204, 500])
def test_what_webhooks_are_told(log: Log, alice: User, settings: Settings, status: int) -> None:
    with receiving() as ear:
        ear.status = status
        settings.FETCH_ALLOWED_PRIVATE = [("127.0.0.1", ear.port)]
        made = hooks.webhook_create(user=alice, url=ear.url, events=[HookEvent.ANSWER])
        hooks.announce(user_id=alice.pk, event=HookEvent.ANSWER, data={"text": WORD})
        hooks.deliveries_send(now=timezone.now() + timedelta(seconds=1))
    assert len(ear.heard) == 1
    assert Delivery.objects.get().attempts == 1
    assert log.keeps(made.secret, made.nonce, WORD)


# --- what libraries write --------------------------------------------------------------------------------------------


def test_a_task_of_the_worker_that_fails(log: Log) -> None:
    app = make()
    app.task(name="nitro.test.defective")(defective).apply(throw=False)
    assert "nitro.test.defective" in log.of("INFO")
    assert log.keeps()


async def test_a_task_of_the_loop_that_nobody_waits_for(log: Log) -> None:
    lost: asyncio.Future[None] = asyncio.Future()
    lost.set_exception(quoting())
    context = {"message": "Task exception was never retrieved", "future": lost, "exception": lost.exception()}
    asyncio.get_running_loop().default_exception_handler(context)
    assert "never retrieved" in log.of("INFO")
    assert log.keeps()


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://host/?key={SECRET}&x=1", f"Authorization: Bearer {SECRET}", f"Cookie: sessionid={SECRET}; a=b",
        f"redis://user:{SECRET}@host:6379/0", f"invalid key sk-{SECRET}", f"whsec_{SECRET}", f"AIza{SECRET}",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_cut_everywhere(log: Log, text: str) -> None:
    logging.getLogger("library").debug("%s", text)
    logging.getLogger("library").error("It said %s", text)
    assert "It said" in log.of("INFO")
    assert log.keeps()


def test_statements_with_their_values_are_not_logged(log: Log, settings: Settings, alice: User) -> None:
    settings.DEBUG = True
    assert User.objects.filter(username=WORD, password=SECRET).first() is None
    assert log.keeps(WORD)
