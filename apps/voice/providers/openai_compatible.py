"""Servers that speak OpenAI's audio wire: speaches, whisper.cpp, LocalAI, kokoro-fastapi, OpenAI itself.

`POST /audio/transcriptions` (multipart, `verbose_json`, plain `json` where a server knows no better) and
`POST /audio/speech` (asked for `wav`, whatever comes is decoded in confinement).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.exceptions import HTTPError, TimeoutError

from apps.core import confined
from apps.voice.audio import Heard, Pcm, Segment, Word, wav
from apps.voice.errors import EngineAway, EngineError, EngineGarbled, EngineMissing, EngineRefused
from apps.voice.providers.base import Speaker, Transcriber, Utterance, Voice
from apps.voice.settings import VoiceSettings

CONNECT_SECONDS = 4.0
READ_SECONDS = 60.0
LARGEST_ANSWER = 64 * 1024 * 1024
LONGEST_SPEECH = 600.0
SAMPLES_PER_SECOND = 16_000
OPENAI_VOICES = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")


class Line:
    """The connection to one server. Follows no redirects: nothing goes to a host that was not configured."""

    def __init__(self, base_url: str, api_key: str) -> None:
        path = urlsplit(base_url).path.strip("/")
        self.base_url = base_url.rstrip("/") if path else base_url.rstrip("/") + "/v1"
        self.where = f"speech server at {urlsplit(base_url).hostname}"
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self.pool = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=4)

    def post(self, path: str, **body: Any) -> bytes:
        """The answer's content. Raises an `EngineError` for everything but success."""
        headers = {**self.headers, **body.pop("headers", {})}
        try:
            response = self.pool.request(
                "POST", f"{self.base_url}{path}", headers=headers, preload_content=False, redirect=False, **body
            )
            with response:
                content = response.read(LARGEST_ANSWER + 1)
        except TimeoutError as error:
            raise EngineAway(f"The {self.where} did not answer in time.") from error
        except (HTTPError, OSError) as error:
            raise EngineAway(f"The {self.where} cannot be reached.") from error
        if len(content) > LARGEST_ANSWER:
            raise EngineGarbled(f"The {self.where} answered with more than anybody asked for.")
        if response.status != 200:
            raise failure(response.status, content, self.where)
        return content


def failure(status: int, content: bytes, where: str) -> EngineError:
    """What a bad status stands for, with the server's own words."""
    said = words_of(content)
    if status in {401, 403}:
        return EngineRefused(f"The {where} does not accept the key. {said}".strip())
    if status == 404:
        return EngineMissing(f"The {where} does not know this model, or has no such address. {said}".strip())
    if status in {400, 413, 415, 422}:
        return EngineRefused(f"The {where} refused. {said}".strip())
    return EngineError(f"The {where} answered with status {status}. {said}".strip())


def words_of(content: bytes) -> str:
    try:
        found = orjson.loads(content[:10_000])
        said = found["error"]["message"] if isinstance(found["error"], dict) else found["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return "".join(letter for letter in str(said)[:300] if letter.isprintable())


class ServerTranscriber(Transcriber):
    """Listens by asking a server."""

    kind = "openai"

    def __init__(self, line: Line, model: str) -> None:
        self.line = line
        self.model = model
        self.label = f"{model} on the {line.where}"

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        fields = [
            ("file", ("speech.wav", wav(sound), "audio/wav")),
            ("model", self.model),
            ("response_format", "verbose_json"),
        ]
        if language:
            fields.append(("language", language.split("-")[0]))
        content = self.line.post("/audio/transcriptions", fields=fields)
        try:
            answer = orjson.loads(content)
            return heard(answer, sound.seconds, language)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineGarbled(f"The {self.line.where} answered with something that is no transcript.") from error


def heard(answer: dict[str, Any], seconds: float, language: str) -> Heard:
    """A transcript from `verbose_json`, or from `json`, which has nothing but the text."""
    listed = answer.get("segments") or [{"start": 0.0, "end": seconds, "text": answer["text"]}]
    words = [Word(str(item["word"]).strip(), float(item["start"]), float(item["end"])) for item in words_in(answer)]
    segments = [Segment(float(item["start"]), float(item["end"]), str(item["text"]).strip()) for item in listed]
    return Heard(tuple(with_words(part, words) for part in segments), seconds, str(answer.get("language") or language))


def words_in(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return answer.get("words") or [word for part in answer.get("segments") or [] for word in part.get("words") or []]


def with_words(part: Segment, words: list[Word]) -> Segment:
    inside = tuple(word for word in words if part.start <= word.start < part.end)
    return Segment(part.start, part.end, part.text, inside)


class ServerSpeaker(Speaker):
    """Speaks by asking a server."""

    kind = "openai"

    def __init__(self, line: Line, model: str) -> None:
        self.line = line
        self.model = model
        self.label = f"{model} on the {line.where}"

    def speak(self, utterance: Utterance) -> Pcm:
        body = {
            "model": self.model,
            "input": utterance.text,
            "voice": utterance.voice or OPENAI_VOICES[0],
            "speed": utterance.speed,
            "response_format": "wav",
        }
        headers = {"Content-Type": "application/json"}
        content = self.line.post("/audio/speech", body=orjson.dumps(body), headers=headers)
        call = "apps.voice.cells.files.to_bytes"
        try:
            samples = confined.run(call, content, LONGEST_SPEECH, seconds=5.0, memory_mb=400)[0]
        except confined.Confined as error:
            raise EngineGarbled(f"The {self.line.where} answered with something that is no sound.") from error
        return Pcm(samples, SAMPLES_PER_SECOND)

    def voices(self) -> list[Voice]:
        """OpenAI's own: its wire has no list. A server's other voices may be asked for by name."""
        return [Voice(name, name.capitalize()) for name in OPENAI_VOICES]


def transcriber(settings: VoiceSettings) -> Transcriber:
    if not settings.stt_base_url:
        raise EngineMissing("No speech server is configured.", hint="Set STT_BASE_URL to its address.")
    return ServerTranscriber(Line(settings.stt_base_url, settings.stt_api_key), settings.stt_model or "whisper-1")


def speaker(settings: VoiceSettings) -> Speaker:
    if not settings.tts_base_url:
        raise EngineMissing("No server with voices is configured.", hint="Set TTS_BASE_URL to its address.")
    return ServerSpeaker(Line(settings.tts_base_url, settings.tts_api_key), settings.tts_model or "tts-1")
