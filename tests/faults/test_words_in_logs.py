"""What is said and heard is in no line that real processes write, neither of the web process nor of the worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets

from nitro.process import wait_until
from tests.faults.house import House, WebProcess, Worker
from tests.nitro.canaries import SECRET, WORD
from tests.voice.conftest import said
from tests.voice.recordings import at_16k, long_recording, recording, silence
from tests.voice.speech_server import SOUND, VERBOSE, SpeechServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 60.0
SPOKEN = "Please write a letter."
HEARD = {"text": WORD, "segments": [{"start": 0.0, "end": 1.0, "text": WORD}]}
REFUSED = {"error": {"message": f"I refuse {WORD} with the key sk-{SECRET}"}}


@pytest.fixture(params=[200, 400, 500])
def speech(request: pytest.FixtureRequest) -> Iterator[SpeechServer]:
    """A server that hears the word in everything, or quotes it in its refusal."""
    with SpeechServer() as server:
        server.status = request.param
        answer = {**VERBOSE, **HEARD} if request.param == 200 else REFUSED
        server.usual = lambda path: (  # type: ignore[method-assign]
            SOUND if path.endswith("/speech") and request.param == 200 else json.dumps(answer).encode()
        )
        yield server


def settings_of(speech: SpeechServer) -> dict[str, str]:
    keys = {"STT_API_KEY": f"sk-{SECRET}", "TTS_API_KEY": f"sk-{SECRET}"}
    return {"STT_BASE_URL": speech.url, "TTS_BASE_URL": speech.url, **keys}


@pytest.fixture
def web(house: House, speech: SpeechServer) -> Iterator[WebProcess]:
    made = WebProcess(house, f"speech-{speech.status}", **settings_of(speech))
    made.start()
    made.wait()
    yield made
    made.close()


@pytest.fixture
def worker(house: House, speech: SpeechServer) -> Iterator[Worker]:
    made = Worker(house, f"speech-worker-{speech.status}", LOG_FORMAT="json", **settings_of(speech))
    yield made
    made.kill()


@pytest.fixture
def program(house: House, web: WebProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {house.key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", headers=headers, timeout=SECONDS) as client:
        yield client


def is_in_no_log(house: House, *processes: WebProcess | Worker) -> bool:
    for process in processes:
        for secret in (WORD, SECRET, house.key):
            assert secret not in process.log()
    return True


def test_recordings_and_their_transcripts(
    house: House, speech: SpeechServer, web: WebProcess, worker: Worker, program: httpx.Client
) -> None:
    name, more = f"{WORD}.wav", {"prompt": WORD, "title": WORD}
    for address in ("/api/voice/transcribe/", "/v1/audio/transcriptions"):
        heard = program.post(address, files={"file": (name, recording("wav"))}, data=more)
        assert (heard.status_code == 200, WORD in heard.text) == (speech.status == 200, True)
    queued = program.post("/api/voice/transcribe/", files={"file": (name, long_recording())}, data=more)
    assert queued.status_code == 202
    job = f"/api/voice/recordings/{queued.json()['id']}/"
    ends = {"done", "failed"} if speech.status == 200 else {"failed", "queued"}
    assert wait_until(lambda: speech_was_asked(speech, 3) and program.get(job).json()["state"] in ends, SECONDS)
    assert '"level": "INFO"' in worker.log()
    assert is_in_no_log(house, web, worker)


def speech_was_asked(speech: SpeechServer, times: int) -> bool:
    paths = [str(asked["path"]) for asked in speech.asked]
    return sum(path.endswith("/transcriptions") for path in paths) >= times


def test_texts_that_are_read_aloud(house: House, speech: SpeechServer, web: WebProcess, program: httpx.Client) -> None:
    for address, field in (("/api/voice/speak/", "text"), ("/v1/audio/speech", "input")):
        heard = program.post(address, json={field: f"{speech.status} times {WORD}."})
        assert (heard.status_code == 200) is (speech.status == 200)
    assert program.post("/api/voice/speak/", json={"text": WORD, "format": WORD}).status_code == 400
    assert "/api/voice/speak/" in web.log()
    assert is_in_no_log(house, web)


async def test_the_socket_of_speech(house: House, speech: SpeechServer, web: WebProcess) -> None:
    door = websockets.Subprotocol(f"nitro.bearer.{house.key}")
    async with websockets.connect(f"ws://127.0.0.1:{web.port}/ws/voice/", subprotocols=[door]) as wire:
        await wire.send(json.dumps({"type": "listen", "id": WORD}))
        sound = silence(0.5).data + at_16k(said(SPOKEN)) + silence(0.5).data
        for place in range(0, len(sound), 32_000):
            await wire.send(sound[place : place + 32_000])
        await wire.send(json.dumps({"type": "end"}))
        heard = await until(wire, "ended")
        assert WORD in json.dumps([frame for frame in heard if frame["type"] in {"final", "error"}])
        await wire.send(json.dumps({"type": "say", "id": WORD, "text": f"This is {WORD}.", "end": True}))
        await until(wire, "said")
        await wire.send("{" + WORD)
        await wire.wait_closed()
    assert is_in_no_log(house, web)


async def until(wire: Any, kind: str) -> list[dict[str, Any]]:
    """All text frames up to the first one of this kind."""
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["type"] != kind:
        message = await wire.recv()
        frames += [json.loads(message)] if isinstance(message, str) else []
    return frames
