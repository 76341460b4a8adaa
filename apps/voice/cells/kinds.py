"""What a recording is, told by its first bytes and never by its name. Either side of the wall may ask."""

from __future__ import annotations

from apps.core.errors import Invalid


def kind_of(head: bytes) -> str:
    """The name of FFmpeg's reader for a recording that begins so. Raises `Invalid` for everything else."""
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return "wav"
    found = next((kind for mark, kind in MARKS.items() if head.startswith(mark)), "")
    if found or head[4:8] == b"ftyp":
        return found or "mov"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    raise Invalid(
        "This is not a recording that Nitro can read.",
        code="unknown_format",
        hint="Send WAV, MP3, Ogg, Opus, WebM, M4A, AAC or FLAC.",
    )


MARKS = {b"OggS": "ogg", b"fLaC": "flac", b"\x1a\x45\xdf\xa3": "matroska", b"ID3": "mp3"}
