"""Speech servers of OpenAI's wire: what they are asked, what they may answer, and everything that goes wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from apps.voice.audio import Pcm, Segment, Word
from apps.voice.errors import EngineAway, EngineError, EngineGarbled, EngineMissing, EngineRefused
from apps.voice.providers import openai_compatible
from apps.voice.providers.base import Speaker, Transcriber, Utterance
from apps.voice.settings import VoiceSettings
from tests.voice.speech_server import SpeechServer

SOUND = Pcm(bytes(32_000))


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with SpeechServer() as found:
        yield found


@pytest.fixture
def ears(server: SpeechServer) -> Transcriber:
    settings = VoiceSettings(stt_base_url=server.url, stt_api_key="secret", stt_model="tiny")
    return openai_compatible.transcriber(settings)


@pytest.fixture
def mouth(server: SpeechServer) -> Speaker:
    return openai_compatible.speaker(VoiceSettings(tts_base_url=f"{server.url}/v1/", tts_model="kokoro"))


def test_a_recording_is_sent_as_wav_with_the_key(server: SpeechServer, ears: Transcriber) -> None:
    ears.transcribe(SOUND, language="en-GB")
    asked = server.asked[0]
    assert (asked["path"], asked["key"]) == ("/v1/audio/transcriptions", "Bearer secret")
    assert (asked["model"], asked["language"]) == (b"tiny", b"en")
    assert asked["file"].startswith(b"RIFF")


def test_segments_and_words_come_back(ears: Transcriber) -> None:
    heard = ears.transcribe(SOUND, language="en")
    words = (Word("Hello", 0.25, 0.6), Word("there.", 0.6, 1.0))
    assert heard.segments == (Segment(0.25, 1.0, "Hello there.", words),)


def test_a_server_that_knows_only_the_text_is_enough(server: SpeechServer, ears: Transcriber) -> None:
    server.body = json.dumps({"text": "Hello."}).encode()
    assert ears.transcribe(SOUND, language="en").text == "Hello."


def test_speech_is_asked_for_and_decoded(server: SpeechServer, mouth: Speaker) -> None:
    pcm = mouth.speak(Utterance("Hello.", "af_sky", 1.5))
    assert pcm.seconds == pytest.approx(0.5, abs=0.01)
    asked = server.asked[0]
    assert (asked["path"], asked["key"]) == ("/v1/audio/speech", None)
    assert (asked["input"], asked["voice"], asked["speed"], asked["model"]) == ("Hello.", "af_sky", 1.5, "kokoro")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, EngineRefused), (403, EngineRefused), (404, EngineMissing), (400, EngineRefused), (500, EngineError)],
)
def test_a_bad_status_says_what_it_stands_for(
    server: SpeechServer, ears: Transcriber, status: int, kind: type[EngineError]
) -> None:
    server.status, server.body = status, b'{"error": {"message": "because\\u001b[31m"}}'
    with pytest.raises(kind) as failure:
        ears.transcribe(SOUND, language="en")
    assert "because" in failure.value.message
    assert "\x1b" not in failure.value.message


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"segments": 5}', b'{"segments": [{}]}', b"\xff"])
def test_nonsense_is_no_transcript(server: SpeechServer, ears: Transcriber, body: bytes) -> None:
    server.body = body
    with pytest.raises(EngineGarbled):
        ears.transcribe(SOUND, language="en")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "no"}', b"#EXTM3U\nhttp://127.0.0.1/"])
def test_nonsense_is_no_sound(server: SpeechServer, mouth: Speaker, body: bytes) -> None:
    server.body = body
    with pytest.raises(EngineGarbled):
        mouth.speak(Utterance("Hello."))


def test_an_answer_without_measure_is_not_read_to_its_end(
    server: SpeechServer, ears: Transcriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_compatible, "LARGEST_ANSWER", 1000)
    server.body = b"x" * 5000
    with pytest.raises(EngineGarbled):
        ears.transcribe(SOUND, language="en")


def test_nothing_follows_a_redirect(server: SpeechServer, ears: Transcriber) -> None:
    server.status, server.headers = 302, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(EngineError):
        ears.transcribe(SOUND, language="en")
    assert len(server.asked) == 1


def test_nobody_there_is_a_sentence() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    ears = openai_compatible.transcriber(VoiceSettings(stt_base_url=f"http://127.0.0.1:{port}"))
    with pytest.raises(EngineAway):
        ears.transcribe(SOUND, language="en")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ears = openai_compatible.transcriber(VoiceSettings(stt_base_url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(EngineAway):
            ears.transcribe(SOUND, language="en")


@pytest.mark.parametrize("build", [openai_compatible.transcriber, openai_compatible.speaker])
def test_without_an_address_it_says_which_setting_is_missing(build: object) -> None:
    with pytest.raises(EngineMissing) as failure:
        build(VoiceSettings())  # type: ignore[operator]
    assert "BASE_URL" in failure.value.hint
