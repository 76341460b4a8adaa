"""Transcripts in the formats of others."""

from __future__ import annotations

import json

from apps.voice import subtitles
from apps.voice.audio import Heard, Segment, Word

HEARD = Heard(
    (
        Segment(0.5, 2.25, "Hello there.", (Word("Hello", 0.5, 1.0), Word("there.", 1.1, 2.25))),
        Segment(3661.0, 3662.9996, "<b>a & b</b> --> c"),
    ),
    3663.0,
    "en",
    "builtin",
)


def test_srt_is_numbered_and_has_commas() -> None:
    assert subtitles.srt(HEARD.segments) == (
        "1\n00:00:00,500 --> 00:00:02,250\nHello there.\n\n2\n01:01:01,000 --> 01:01:03,000\n<b>a & b</b> → c\n"
    )


def test_vtt_begins_with_its_name_and_has_no_markup() -> None:
    text = subtitles.vtt(HEARD.segments)
    assert text.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.250\nHello there.\n")
    assert "&lt;b&gt;a &amp; b&lt;/b&gt; → c" in text


def test_nothing_said_is_an_empty_transcript_in_every_format() -> None:
    nothing = Heard((), 1.0)
    assert [subtitles.rendered(nothing, kind).strip() for kind in ("text", "srt", "vtt")] == ["", "", "WEBVTT"]


def test_verbose_json_is_openais() -> None:
    body = json.loads(json.dumps(subtitles.verbose(HEARD)))
    assert body["segments"][0] == {"id": 0, "start": 0.5, "end": 2.25, "text": "Hello there."}
    assert body["text"] == "Hello there. <b>a & b</b> --> c"
    assert "words" not in body


def test_words_come_where_they_are_wanted() -> None:
    assert subtitles.verbose(HEARD, words=True)["words"][1] == {"word": "there.", "start": 1.1, "end": 2.25}


def test_a_time_before_the_beginning_is_the_beginning() -> None:
    assert subtitles.clock(-1, ".") == "00:00:00.000"
