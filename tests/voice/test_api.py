"""Speech for programs: what is said can be heard, what is heard can be read."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.core import stored
from apps.core.database import in_database
from apps.voice import clips, jobs, services, uploads
from apps.voice.cells.kinds import kind_of
from apps.voice.clips import Order
from apps.voice.models import Clip, Recording
from apps.voice.providers.base import Utterance
from tests import cast
from tests.voice.conftest import said
from tests.voice.recordings import SENTENCE, header, recording

TWO = "This is the first sentence. This is the second one."


@pytest.fixture
def program(alice: User) -> Client:
    client = Client()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {cast.key_of(alice, 'voice')}"
    return client


def send(client: Client, address: str, content: bytes, name: str = "a.wav", **fields: Any) -> Any:
    return client.post(address, {"file": SimpleUploadedFile(name, content), **fields})


def say(client: Client, **wanted: Any) -> Any:
    return client.post("/api/voice/speak/", {"text": SENTENCE, **wanted}, content_type="application/json")


def seconds_of(content: bytes) -> float:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return float(file.getnframes() / file.getframerate())


def test_a_text_is_spoken_as_wav(program: Client) -> None:
    response = say(program)
    assert response.headers["Content-Type"] == "audio/wav"
    assert seconds_of(response.content) == pytest.approx(said(SENTENCE).seconds, abs=0.1)


def test_twice_as_fast_takes_half_as_long(program: Client) -> None:
    slow, fast = (seconds_of(say(program, speed=speed).content) for speed in (0.8, 1.6))
    assert fast < slow * 0.65


def test_another_language_sounds_different(program: Client) -> None:
    assert say(program, language="de").content != say(program, language="fr").content


@pytest.mark.parametrize(("kind", "begin"), [("opus", b"OggS"), ("mp3", b"\xff"), ("pcm", b"")])
def test_other_kinds_of_file_are_what_they_say(program: Client, kind: str, begin: bytes) -> None:
    response = say(program, format=kind)
    assert response.status_code == 200
    assert response.content.startswith(begin)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""}, {"text": "x" * 20_001}, {"speed": 100}, {"format": "exe"}, {"voice": "nobody"},
        {"voice": "../../etc/passwd"}, {"language": "../x"}, {"text": "```\n"}, {"speed": "NaN"},
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_with_a_sentence(program: Client, wrong: dict[str, Any]) -> None:
    response = say(program, **wrong)
    assert response.status_code == 400
    assert response.json()["message"]


def test_the_same_text_comes_from_the_cache(program: Client) -> None:
    first = say(program).content
    kept = Clip.objects.get()
    assert say(program).content == first
    assert Clip.objects.get().pk == kept.pk


def test_the_cache_of_one_is_not_the_cache_of_another(program: Client, bob: User) -> None:
    say(program)
    other = Client()
    other.force_login(bob)
    say(other)
    assert set(Clip.objects.values_list("user__username", flat=True)) == {"alice", "bob"}


def test_a_clip_whose_file_is_gone_is_made_again(program: Client) -> None:
    say(program)
    gone = Clip.objects.get()
    stored.delete([gone.file])
    assert say(program).status_code == 200
    assert Clip.objects.get().pk != gone.pk


def test_a_full_disk_does_not_keep_anybody_silent(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, content: bytes) -> None:
        raise stored.StorageFull("There is no room left for files.")

    monkeypatch.setattr(stored, "save", full)
    assert say(program).status_code == 200
    assert not Clip.objects.exists()


def test_the_voices_are_listed(program: Client) -> None:
    answer = program.get("/api/voice/voices/").json()
    assert answer["engine"] == "builtin"
    assert {"de", "en-us"} <= {voice["name"] for voice in answer["voices"]}


def test_openais_speech_takes_openais_names(program: Client) -> None:
    asked = {"model": "tts-1", "input": SENTENCE, "voice": "nova"}
    response = program.post("/v1/audio/speech", asked, content_type="application/json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "audio/mpeg")


@pytest.mark.parametrize("accepted", ["application/octet-stream", "audio/mpeg", "text/html;q=0.5", "nonsense"])
def test_speech_is_sent_whatever_a_client_says_that_it_accepts(program: Client, accepted: str) -> None:
    """OpenAI's own package asks for `application/octet-stream`, and was answered with 406."""
    spoken = program.post(
        "/v1/audio/speech", {"input": "Hi."}, content_type="application/json", headers={"accept": accepted}
    )
    assert (spoken.status_code, spoken.headers["Content-Type"]) == (200, "audio/mpeg")


@pytest.mark.django_db(transaction=True)
async def test_mp3_arrives_sentence_by_sentence() -> None:
    user = await in_database(cast.alice)
    first, second = Order(user, Utterance(TWO), "mp3").parts
    parts = [part async for part in clips.streamed(b"first", [second])]
    assert first.utterance.text == "This is the first sentence."
    assert parts[0] == b"first"
    assert kind_of(parts[1]) == "mp3"


def test_a_recording_is_written_down_at_once(program: Client) -> None:
    answer = send(program, "/api/voice/transcribe/", recording("wav")).json()
    assert "letter" in answer["text"]
    assert answer["segments"][0]["words"]
    assert answer["seconds"] == pytest.approx(said(SENTENCE).seconds, abs=0.1)
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("kind", "sign"), [("json", '"text"'), ("text", "letter"), ("srt", "00:00:0"), ("vtt", "WEBVTT")]
)
def test_openais_transcriptions_come_in_every_format(program: Client, kind: str, sign: str) -> None:
    asked = {"model": "whisper-1", "response_format": kind}
    response = send(program, "/v1/audio/transcriptions", recording("webm"), **asked)
    assert response.status_code == 200
    assert sign in response.content.decode()
    assert "letter" in response.content.decode()


def test_openais_verbose_answer_has_words_where_they_are_asked_for(program: Client) -> None:
    asked: Any = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    answer = send(program, "/v1/audio/transcriptions", recording("mp3"), **asked).json()
    assert answer["task"] == "transcribe"
    assert answer["segments"][0]["start"] < answer["segments"][0]["end"] <= answer["duration"] + 0.1
    assert "letter" in [word["word"] for word in answer["words"]]


@pytest.mark.parametrize("content", [b"x", b"#EXTM3U\nhttp://127.0.0.1/a.ts", header(channels=255) + bytes(5000)])
@pytest.mark.parametrize("address", ["/api/voice/transcribe/", "/v1/audio/transcriptions", "/api/voice/recordings/"])
def test_what_is_no_recording_is_a_sentence(program: Client, address: str, content: bytes) -> None:
    if address == "/api/voice/recordings/" and content.startswith(b"RIFF"):
        pytest.skip("its job says so")
    response = send(program, address, content)
    assert 400 <= response.status_code < 500
    assert "message" in (response.json().get("error") or response.json())
    assert not Recording.objects.exists()


def test_silence_is_an_empty_transcript(program: Client) -> None:
    answer = send(program, "/api/voice/transcribe/", header(size=64_000) + bytes(64_000)).json()
    assert (answer["text"], answer["segments"]) == ("", [])


@pytest.mark.django_db(transaction=True)
def test_what_is_long_becomes_a_job(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE_SECONDS", 1.0)
    response = send(program, "/api/voice/transcribe/", recording("mp3"), name="../Mother's\x00 letter.mp3")
    assert response.status_code == 202
    assert response.json()["state"] == "queued"
    assert jobs.run_next()
    address = f"/api/voice/recordings/{response.json()['id']}/"
    assert program.get(address).json()["state"] == "done"
    assert "letter" in program.get(f"{address}transcript/").json()["text"]
    assert "-->" in program.get(f"{address}transcript/?format=srt").content.decode()


def test_recordings_are_listed_and_removed_with_their_files(program: Client, alice: User) -> None:
    made = send(program, "/api/voice/recordings/", recording("wav")).json()
    file = Recording.objects.get().file
    assert [item["id"] for item in program.get("/api/voice/recordings/").json()["results"]] == [made["id"]]
    assert program.delete(f"/api/voice/recordings/{made['id']}/").status_code == 204
    assert not Recording.objects.exists()
    with pytest.raises(FileNotFoundError):
        stored.open_file(file)


def test_too_many_waiting_recordings_have_to_wait_themselves(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_ACTIVE", 0)
    response = send(program, "/api/voice/recordings/", recording("wav"))
    assert response.status_code == 503
    assert response.headers["Retry-After"]
