"""A transcript as text, SubRip, WebVTT, and OpenAI's two kinds of JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.voice.audio import Heard, Segment

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
TYPES = {
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}


def srt(segments: Sequence[Segment]) -> str:
    """SubRip: numbered, with a comma before the milliseconds."""
    blocks = [
        f"{number}\n{clock(segment.start, ',')} --> {clock(segment.end, ',')}\n{line(segment.text)}\n"
        for number, segment in enumerate(segments, 1)
    ]
    return "\n".join(blocks)


def vtt(segments: Sequence[Segment]) -> str:
    """WebVTT (W3C): what could be taken for markup is written out."""
    blocks = [
        f"{clock(segment.start, '.')} --> {clock(segment.end, '.')}\n{escaped(line(segment.text))}\n"
        for segment in segments
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def clock(seconds: float, mark: str) -> str:
    """Hours, minutes, seconds and milliseconds."""
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def line(text: str) -> str:
    """On one line and without the arrow, which would begin another cue."""
    return " ".join(text.split()).replace("-->", "→")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def verbose(heard: Heard, *, words: bool = False) -> dict[str, Any]:
    """OpenAI's `verbose_json`. What our engines do not know (token ids, probabilities) is left out."""
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": heard.language,
        "duration": round(heard.seconds, 3),
        "text": heard.text,
        "segments": [
            {"id": number, "start": round(part.start, 3), "end": round(part.end, 3), "text": part.text}
            for number, part in enumerate(heard.segments)
        ],
    }
    if words:
        body["words"] = [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for part in heard.segments
            for word in part.words
        ]
    return body


def rendered(heard: Heard, kind: str) -> str:
    """The transcript as one of the text formats."""
    match kind:
        case "srt":
            return srt(heard.segments)
        case "vtt":
            return vtt(heard.segments)
    return heard.text + "\n"
