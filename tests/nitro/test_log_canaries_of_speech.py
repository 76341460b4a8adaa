"""What people say and let Nitro say, and what their recordings are called, stays out of the log at every door."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.core.database import in_database
from apps.voice import clips, registry, tasks
from apps.voice.audio import Heard, Pcm, Segment
from apps.voice.errors import EngineRefused
from apps.voice.models import Recording
from apps.voice.providers.base import Transcriber
from nitro.celery import make
from tests import cast
from tests.nitro import canaries
from tests.nitro.canaries import SECRET, WORD, Defect, Log, defective
from tests.voice.recordings import long_recording, recording
from tests.voice.test_consumers import speech
from tests.voice.wire import PATIENCE, Wire, of

pytestmark = pytest.mark.django_db(transaction=True)
log = canaries.log
NAME = f"C:\\music\\{WORD} and {WORD}.wav"
LONG_NAME = f"a.{WORD * 21}"  # what ends it is longer than a name of a file may be
FAILURES = [None, EngineRefused(f"The server says: no {WORD}, key sk-{SECRET}"), Defect(f"{WORD} Bearer {SECRET}")]
RECORDINGS, AT_ONCE, OPENAI = "/api/voice/recordings/", "/api/voice/transcribe/", "/v1/audio/transcriptions"


class Ear(Transcriber):
    """Hears the word in everything, or fails."""

    kind = label = "ear"

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        if self.failure is not None:
            raise self.failure
        return Heard((Segment(0.0, 1.0, WORD),), sound.seconds, language, self.kind)


@pytest.fixture(params=FAILURES)
def failure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Exception | None:
    """How the engine that listens fails in this test."""
    monkeypatch.setattr(registry, "transcriber", lambda: Ear(request.param))
    failure: Exception | None = request.param
    return failure


@pytest.fixture
def key(alice: User) -> str:
    return cast.key_of(alice, "voice")


@pytest.fixture
def program(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


@pytest.fixture
def page(alice: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def sent(client: Client, address: str, content: bytes, name: str = NAME, **fields: str) -> Any:
    return client.post(address, {"file": SimpleUploadedFile(name, content), **fields})


def worker_works() -> None:
    """As the worker takes it, which logs a job that has raised."""
    app = make()
    app.task(name="nitro.test.transcribe")(tasks.transcribe_waiting.run).apply(throw=False)


# --- recordings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [AT_ONCE, OPENAI])
def test_recordings_that_are_heard_at_once(
    log: Log, program: Client, key: str, failure: Exception | None, address: str
) -> None:
    heard = sent(program, address, recording("wav"), prompt=WORD, temperature="0")
    assert heard.status_code == (200 if failure is None else 500 if isinstance(failure, Defect) else 502)
    assert (WORD in heard.content.decode()) is (not isinstance(failure, Defect))
    assert log.keeps(key)


@pytest.mark.parametrize("address", [AT_ONCE, RECORDINGS])
def test_recordings_that_the_worker_hears(
    log: Log, program: Client, key: str, failure: Exception | None, address: str
) -> None:
    content = recording("wav") if address == RECORDINGS else long_recording()
    queued = sent(program, address, content, title=WORD)
    assert queued.status_code == 202
    assert WORD in queued.json()["name"]
    worker_works()
    seen = program.get(f"{RECORDINGS}{queued.json()['id']}/transcript/", {"format": "text"})
    assert (WORD in seen.content.decode()) is (failure is None)
    assert Recording.objects.get().state == ("done" if failure is None else "failed")
    assert log.keeps(key)


def test_recordings_on_the_page(log: Log, page: Client, failure: Exception | None) -> None:
    assert sent(page, "/voice/upload/", recording("wav"), title=WORD).status_code == 302
    worker_works()
    for look in ("/voice/", f"/voice/{Recording.objects.get().pk}/"):
        assert WORD in page.get(look).content.decode()
    assert log.keeps(page.cookies["sessionid"].value)


@pytest.mark.parametrize("content", [b"RIFF....WAVE" + WORD.encode(), WORD.encode(), b""])
def test_what_is_no_recording(log: Log, program: Client, page: Client, content: bytes) -> None:
    for client, address in ((program, AT_ONCE), (program, RECORDINGS), (program, OPENAI), (page, "/voice/upload/")):
        refused = sent(client, address, content, language=WORD, response_format=WORD)
        assert refused.status_code in {302, 400, 422}
    worker_works()
    assert log.keeps()


@pytest.mark.parametrize("address", [AT_ONCE, RECORDINGS, OPENAI, "/voice/upload/"])
def test_names_that_are_too_long_for_a_temporary_file(
    log: Log, program: Client, page: Client, settings: LazySettings, failure: Exception | None, address: str
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # so that even a short recording has one
    heard = sent(page if "upload" in address else program, address, recording("wav"), LONG_NAME)
    assert heard.status_code in ({200, 202, 302} if failure is None else {202, 302, 500, 502})
    assert log.keeps()


# --- the websocket ---------------------------------------------------------------------------------------------------


async def test_what_is_said_into_the_socket(log: Log, failure: Exception | None) -> None:
    async with Wire(await in_database(cast.alice)) as wire:
        await wire.tell(type="listen", id=WORD)
        await wire.speak(speech())
        await wire.tell(type="end")
        heard = await wire.until("ended")
    assert {frame["text"] for frame in of(heard, "final")} == ({WORD} if failure is None else set())
    assert log.keeps()


@pytest.mark.parametrize("fails", [False, True])
async def test_what_the_socket_reads_aloud(log: Log, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    if fails:
        monkeypatch.setattr(clips, "make", defective)
    async with Wire(await in_database(cast.alice)) as wire, asyncio.timeout(PATIENCE):
        await wire.tell(type="say", id=WORD, text=f"This is {WORD}.", end=True)
        if not fails:
            assert WORD in of(await wire.until("said"), "sentence")[0]["text"]
        while fails and "The voice socket stumbled" not in log.of("INFO"):
            await asyncio.sleep(0.01)
    assert log.keeps()


@pytest.mark.parametrize("wanted", [{"text": WORD, "voice": WORD}, {"text": WORD * 9999}])
def test_texts_that_cannot_be_read_aloud(log: Log, program: Client, key: str, wanted: dict[str, str]) -> None:
    told = {"input": wanted["text"], "instructions": WORD, **wanted}
    for address in ("/api/voice/speak/", "/v1/audio/speech"):
        assert program.post(address, told, content_type="application/json").status_code == 400
    assert log.keeps(key)


async def test_frames_that_are_none(log: Log) -> None:
    async with Wire(await in_database(cast.alice)) as wire:
        for frame in (
            {"type": WORD},
            {"type": "say", "id": f"no {WORD}"},
            {"type": "listen", "id": "a", "language": WORD},
        ):
            await wire.tell(**frame)
            assert (await wire.next())["code"] == "bad_frame"
        await wire.send(text=f'{{"type": "say", "text": "{WORD}')
        assert (await wire.until("closed"))[-1]["code"] == 1007
    assert log.keeps()
