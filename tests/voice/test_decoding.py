"""Reading recordings: every usual kind, and everything that pretends to be one."""

from __future__ import annotations

import pytest

from apps.core import confined
from apps.voice import transcribing
from apps.voice.audio import wav
from apps.voice.cells import files
from apps.voice.cells.kinds import kind_of
from tests.voice.conftest import said
from tests.voice.recordings import KINDS, SENTENCE, header, recording, silence, written

LONGEST = 60.0
PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/secret.ts\n",
    "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "smil": b'<smil><body><audio src="http://127.0.0.1:1/a.mp3"/></body></smil>',
    "pls": b"[playlist]\nFile1=http://127.0.0.1:1/a.mp3\n",
    "html": b"<html><body>RIFF....WAVE</body></html>",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
}


def refused(content: bytes, longest: float = LONGEST) -> confined.Confined:
    with pytest.raises(confined.Confined) as failure:
        transcribing.decoded(content, longest=longest)
    return failure.value


def outcome(content: bytes) -> str:
    """A sentence, or that there was some sound within the limit."""
    try:
        samples = transcribing.decoded(content, longest=LONGEST)
    except confined.Confined as error:
        return error.message
    return "sound" if len(samples) <= LONGEST * 32_000 else ""


@pytest.mark.parametrize("kind", ["wav", *KINDS])
def test_every_usual_kind_is_read(kind: str) -> None:
    samples = transcribing.decoded(recording(kind), longest=LONGEST)
    assert len(samples) / 32_000 == pytest.approx(said(SENTENCE).seconds, abs=0.2)


@pytest.mark.parametrize(("channels", "rate"), [(1, 8_000), (2, 44_100), (2, 48_000), (6, 96_000)])
def test_any_rate_and_number_of_channels_becomes_ours(channels: int, rate: int) -> None:
    samples = transcribing.decoded(header(channels=channels, rate=rate) + bytes(rate * channels * 2), longest=LONGEST)
    assert len(samples) / 32_000 == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_and_pages_are_no_recordings(name: str) -> None:
    failure = refused(PLAYLISTS[name])
    assert failure.code == "unknown_format"
    assert failure.message


@pytest.mark.parametrize(
    "content", [b"", b"R", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS", b"ID3", b"\xff\xfb\x90", b"fLaC"]
)
def test_next_to_nothing_is_a_sentence(content: bytes) -> None:
    assert refused(content).code in {"unknown_format", "damaged_recording"}


def test_a_header_that_lies_about_its_length_gives_what_is_there() -> None:
    samples = transcribing.decoded(header(size=0xFFFFFFF0) + bytes(16_000), longest=LONGEST)
    assert len(samples) == 16_000


@pytest.mark.parametrize("channels", [0, 255])
def test_an_absurd_number_of_channels_is_refused(channels: int) -> None:
    assert refused(header(channels=channels) + bytes(100_000)).code == "damaged_recording"


@pytest.mark.parametrize("rate", [0, 1, 2**31 - 1])
def test_an_absurd_rate_costs_nothing(rate: int) -> None:
    assert outcome(header(rate=rate) + bytes(100_000))


def test_what_is_too_long_is_refused_with_413() -> None:
    failure = refused(wav(silence(3)), longest=2.0)
    assert (failure.code, failure.status) == ("too_long", 413)


def test_silence_without_end_in_a_small_file_ends_soon() -> None:
    minutes = written(silence(600), "flac")
    assert len(minutes) < 500_000
    assert refused(minutes * 10).code == "too_long"


def test_a_wav_that_is_also_html_is_read_as_sound_alone() -> None:
    content = header(size=16_000) + bytes(16_000) + b"<script>alert(1)</script>"
    assert len(transcribing.decoded(content, longest=LONGEST)) == 16_000


def test_a_cut_recording_gives_what_came_before_the_cut() -> None:
    whole = recording("mp3")
    samples = transcribing.decoded(whole[: len(whole) // 2], longest=LONGEST)
    assert 0 < len(samples) < said(SENTENCE).seconds * 32_000


@pytest.mark.parametrize("kind", ["mp3", "ogg", "webm", "m4a", "flac"])
def test_damage_in_the_middle_is_survived(kind: str) -> None:
    whole = bytearray(recording(kind))
    for place in range(200, len(whole), 97):
        whole[place] ^= 0x5A
    assert outcome(bytes(whole))


def test_a_film_without_sound_is_a_sentence() -> None:
    assert refused(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08free").code == "damaged_recording"


def test_a_long_recording_goes_from_file_to_file(tmp_path: object) -> None:
    from pathlib import Path

    source, target = Path(str(tmp_path)) / "a", Path(str(tmp_path)) / "b"
    source.write_bytes(wav(silence(90)))
    assert transcribing.decoded_to_file(str(source), str(target), longest=120) == 90
    assert target.stat().st_size == 90 * 32_000


@pytest.mark.parametrize("kind", ["mp3", "opus"])
def test_what_is_written_can_be_read_again(kind: str) -> None:
    sound = said(SENTENCE)
    content = files.encode(sound.data, sound.rate, kind)
    assert kind_of(content) in {"mp3", "ogg"}
    assert files.to_bytes(content, LONGEST)[1] == pytest.approx(sound.seconds, abs=0.2)


def test_parts_of_mp3_can_be_joined() -> None:
    sound = said(SENTENCE)
    content = files.encode(sound.data, sound.rate, "mp3")
    assert files.to_bytes(content * 3, LONGEST)[1] == pytest.approx(3 * sound.seconds, abs=0.4)
