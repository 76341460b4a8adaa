"""Whole turns over each kind of model server: stopped, failing in every way, replaced, and the next one works."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from apps.chat import turns
from apps.chat.frames import Ask
from apps.chat.models import Conversation, Message, Turn
from apps.chat.turnlog import End, Item
from apps.core.database import in_database
from apps.llm.drains import Drains, from_rows
from apps.llm.providers.base import Provider, Timeouts
from apps.llm.providers.gemini import Gemini, library
from apps.llm.providers.ollama import Ollama, load_library
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router, use
from apps.llm.services import provider_drain
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.chat.cast import end_of, started, text_of, told
from tests.llm import wire
from tests.llm.asking import until
from tests.llm.gemini_server import KEY, GeminiServer, said
from tests.llm.ollama_server import OllamaServer, end, part

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ("openai", "ollama", "gemini")
HASTY = Timeouts(connect=1.0, first=0.5, silence=0.5)
MODELS = LlmSettings(openai_model="m", ollama_model="phi3", gemini_model="m")
STOPPED_WITHIN = 2.0  # seconds, by R5
BUSY = 8.0  # more seconds for a busy machine


@pytest.fixture(autouse=True)
async def libraries() -> None:
    """Load them before any clock runs."""
    library()
    await load_library()


@asynccontextmanager
async def routed(**providers: Sequence[Provider]) -> AsyncIterator[Router]:
    """A router over these providers, the first kind the default one, in the place of this process's."""
    first, *others = providers
    settings = replace(MODELS, ai_model=first, ai_fallback=tuple(others), kinds=tuple(providers))
    router = Router(settings, providers, Drains(from_rows))
    before = use(router)
    try:
        yield router
    finally:
        await turns.close()
        await router.close()
        use(before)


def provider(kind: str, url: str) -> Provider:
    """One of this kind at an address that speaks its wire."""
    if kind == "openai":
        return OpenAICompatible(url, timeouts=HASTY)
    bare = url.removesuffix("/v1")
    return Ollama(bare, timeouts=HASTY) if kind == "ollama" else Gemini(KEY, base_url=bare, timeouts=HASTY)


# --- stopping -------------------------------------------------------------------------------------------------------


@dataclass
class Endless:
    """A server in the middle of a long answer; `streams` says how many it is giving."""

    provider: Provider
    streams: Callable[[], int]


@asynccontextmanager
async def endless_openai() -> AsyncIterator[Endless]:
    async with StandIn(tokens=6000, rate=50) as server:
        yield Endless(OpenAICompatible(server.url), lambda: server.stats.open_streams)


@asynccontextmanager
async def endless_ollama() -> AsyncIterator[Endless]:
    async with OllamaServer(tokens=6000, rate=50) as server:
        server.loaded["phi3:latest"] = 4096
        yield Endless(Ollama(server.url), lambda: server.open_streams)


@asynccontextmanager
async def endless_gemini() -> AsyncIterator[Endless]:
    async with GeminiServer([said(f"t{number:05d} ") for number in range(1, 6000)], delay=0.02) as server:
        yield Endless(Gemini(KEY, base_url=server.url), lambda: server.open_streams)


ENDLESS: dict[str, Callable[[], AbstractAsyncContextManager[Endless]]] = {
    "openai": endless_openai,
    "ollama": endless_ollama,
    "gemini": endless_gemini,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_stop_frees_the_server_and_keeps_the_words(kind: str, conversation: Conversation) -> None:
    async with ENDLESS[kind]() as server, routed(**{kind: [server.provider]}) as router:
        turn = await started(conversation)
        live = turns.running_turns().live[turn.turn_id]
        await until(lambda: live.log.length > 0)
        await turns.stop(user=conversation.owner, conversation_id=conversation.id, turn_id=turn.turn_id)
        async with asyncio.timeout(STOPPED_WITHIN + BUSY):
            items = await told(conversation, turn.turn_id)
            await until(lambda: server.streams() == 0)
        assert router.gate(kind).inside == 0
    assert end_of(items).done["finish_reason"] == "stopped"
    assert (await in_database(Message.objects.get, id=turn.answer_id)).text == text_of(items) != ""


# --- failing --------------------------------------------------------------------------------------------------------


def page(body: bytes, media: str) -> bytes:
    return wire.answer(200, body, media=media)


def line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


MEDIA = {"openai": "text/event-stream", "ollama": "application/x-ndjson", "gemini": "application/json"}
HALF = {
    "openai": b'data: {"choices":[{"index":0,"del',
    "ollama": b'{"model":"m","message":{"role":"assi',
    "gemini": b'[{"candidates":[{"content":{"par',
}
GOOD = {
    "openai": wire.data(wire.token("good"), wire.STOP, "[DONE]"),
    "ollama": line(part("good")) + line(end()),
    "gemini": b"[" + line(said("good", reason="STOP")) + b"]",
}
WAYS = ("error", "garbage", "page", "half", "silence")


def bad(kind: str, way: str) -> bytes:
    """What is answered to a question."""
    head = wire.HEAD.replace(b"text/event-stream", MEDIA[kind].encode())
    return {
        "error": wire.answer(500, b'{"error":{"message":"out of memory"}}'),
        "garbage": page(b"\x00\xff\xfe nonsense \x80" * 20, MEDIA[kind]),
        "page": page(b"<html><h1>It works!</h1></html>", "text/html"),
        "half": head + HALF[kind],
        "silence": b"",
    }[way]


LISTS = b'{"version":"0.12","data":[{"id":"m"}],"models":[]}'  # what each wire's lists are made of


@dataclass
class Questioned(wire.Recording):
    """Plays the first part to the first question, the second one to those after it, and lists to whoever looks."""

    questions: int = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, _ = await wire.request(reader)
            if head.startswith(b"GET"):
                writer.write(page(LISTS, "application/json"))
            else:
                self.questions += 1
                writer.write(self.parts[min(self.questions, len(self.parts)) - 1][0])
            await writer.drain()
            if self.hold:
                await reader.read(-1)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def failing_once(kind: str, way: str) -> AsyncIterator[str]:
    """The address of a server that fails in this way at the first question, and answers well from the second one on."""
    parts = [[bad(kind, way)], [page(GOOD[kind], MEDIA[kind])]]
    async with wire.recorded(Questioned(parts, hold=way == "silence")) as recording:
        yield recording.url


async def asked(conversation: Conversation, text: str = "Hello") -> tuple[End, list[Item]]:
    """One turn to its end."""
    turn = await started(conversation, text)
    items = await told(conversation, turn.turn_id)
    row = await in_database(Turn.objects.get, id=turn.turn_id)
    assert row.state != Turn.State.RUNNING
    return end_of(items), items


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_failure_is_told_and_the_next_turn_works(kind: str, way: str, conversation: Conversation) -> None:
    async with failing_once(kind, way) as url, routed(**{kind: [provider(kind, url)]}) as router:
        ended, _ = await asked(conversation)
        assert ended.done["finish_reason"] == "failed"
        assert ended.error is not None
        assert ended.error["message"]
        assert ended.error["hint"]
        assert router.gate(kind).inside == 0
        if way != "silence":  # whose server stays silent
            again, items = await asked(conversation, "And now?")
            assert (again.error, text_of(items)) == (None, "good")


@pytest.mark.parametrize("way", [*WAYS, "refused"])
@pytest.mark.parametrize("kind", KINDS)
async def test_before_the_first_word_the_fallback_answers_and_says_so(
    kind: str, way: str, conversation: Conversation
) -> None:
    other = Scripted(Script(tokens=["instead"]))
    async with failing_once(kind, "half" if way == "refused" else way) as url:
        first = provider(kind, "http://127.0.0.1:9/v1" if way == "refused" else url)
        both: dict[str, list[Provider]] = {kind: [first], "scripted": [other]}
        async with routed(**both):
            ended, items = await asked(conversation)
    assert (ended.error, text_of(items)) == (None, "instead")
    assert (ended.done["provider"], ended.done["fallback_from"]) == ("scripted", kind)


async def test_a_stand_in_for_one_that_rests_says_why_and_nothing_else_of_it(conversation: Conversation) -> None:
    await in_database(provider_drain, kind="openai", reason="The bill is due.", by="the-administrator")
    providers: dict[str, list[Provider]] = {"openai": [Scripted()], "scripted": [Scripted(Script(tokens=["instead"]))]}
    async with routed(**providers):
        ended, items = await asked(conversation)
    assert (ended.error, text_of(items)) == (None, "instead")
    assert (ended.done["fallback_from"], ended.done["fallback_reason"]) == ("openai", "The bill is due.")
    assert "the-administrator" not in str(ended)
    turn = await in_database(Turn.objects.get, conversation=conversation)
    assert (turn.fallback_from, turn.fallback_reason) == ("openai", "The bill is due.")


# --- options --------------------------------------------------------------------------------------------------------


async def test_an_option_that_the_server_does_not_know_is_told_and_nothing_is_asked(conversation: Conversation) -> None:
    async with StandIn(tokens=3) as server, routed(openai=[OpenAICompatible(server.url)]):
        frame = Ask(id=uuid.uuid4(), text="Hello", options={"top_k": 5})
        turn = await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)
        ended = end_of(await told(conversation, turn.turn_id))
        assert ended.error is not None
        assert ended.error["code"] == "bad_option"
        assert "top_k" in ended.error["message"]
        assert not server.requests
