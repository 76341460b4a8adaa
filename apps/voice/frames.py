"""The vocabulary of the voice socket: what a client may say, parsed and checked. docs/voice.md lists all frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.core.bodies import sound_json
from apps.core.errors import Invalid, NitroError
from apps.voice.audio import RATE, SAMPLE_BYTES
from apps.voice.selectors import Taste

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
TEXT_LIMIT = 20_000  # characters in one frame
SOUND_LIMIT = 64 * 1024  # bytes in one frame: two seconds


class BadFrame(Invalid):
    """A frame that is none of ours; the connection stays open."""

    code = "bad_frame"


class NotJson(BadFrame):
    """Text that is not JSON at all: the one mistake that ends the connection."""

    code = "not_json"
    hint = "Send one JSON object per text frame, and sound as binary frames."


@dataclass(frozen=True, slots=True)
class Listen:
    """From here on binary frames are sound. `hold`: one utterance until `End`, whatever the pauses."""

    id: str
    hold: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The sound has ended; the last words are wanted."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The sound has ended, and nobody wants its words."""


@dataclass(frozen=True, slots=True)
class Say:
    """More of a text that is being written; its sentences are said as they become whole."""

    id: str
    text: str
    end: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """A sentence was heard to its end: the window moves on."""

    id: str
    index: int


@dataclass(frozen=True, slots=True)
class Hush:
    """Say no more."""


ClientFrame = Listen | End | Cancel | Say | Played | Hush


def parse(raw: str) -> ClientFrame:
    """Turn the text of a frame into a value. Raises `NotJson`, or `BadFrame` with a sentence."""
    try:
        data = sound_json(raw.encode("utf-8", "surrogatepass"))
    except BadFrame:
        raise
    except Invalid as error:
        raise NotJson(error.message) from error
    if not isinstance(data, dict):
        raise BadFrame("That frame is JSON, but not an object.", hint="Send one JSON object per text frame.")
    kind = data.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadFrame("There is no frame of that type.", hint="Known types: " + ", ".join(READERS) + ".")
    return reader(data)


def sound(data: bytes) -> bytes:
    """The samples of a binary frame. Raises `BadFrame`."""
    if len(data) % SAMPLE_BYTES:
        raise BadFrame("A sample has two bytes, and this frame ends in the middle of one.", code="bad_sound")
    if len(data) > SOUND_LIMIT:
        raise BadFrame("That is more sound than fits into a frame.", code="bad_sound", hint="Send 20 to 100 ms each.")
    return data


def render(frame: Mapping[str, Any]) -> str:
    return orjson.dumps(frame).decode()


def hello(taste: Taste) -> dict[str, Any]:
    """What a client has to know of its user's taste."""
    return {"type": "hello", "stop_answer": taste.stop_answer, "language": taste.language, "speed": taste.speed}


def error(problem: NitroError, *, id: str = "") -> dict[str, Any]:
    """A failure as a frame."""
    frame: dict[str, Any] = {"type": "error", "code": problem.code, "message": problem.message, "hint": problem.hint}
    if id:
        frame["id"] = id
    if problem.retry_after is not None:
        frame["retry_after"] = problem.retry_after
    return frame


def _name(data: Mapping[str, Any]) -> str:
    value = data.get("id")
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadFrame("'id' must be a word of at most 64 letters, digits, - and _.")
    return value


def _listen(data: Mapping[str, Any]) -> Listen:
    language = data.get("language") or ""
    if not isinstance(language, str) or (language and not LANGUAGE.fullmatch(language)):
        raise BadFrame("'language' must be a language such as en or pt-BR.")
    if data.get("rate", RATE) != RATE:
        raise BadFrame(f"Sound is taken with {RATE} samples per second alone.", code="bad_rate")
    if data.get("mode", "open") not in {"open", "hold"}:
        raise BadFrame("'mode' must be open or hold.")
    return Listen(_name(data), data.get("mode") == "hold", language)


def _say(data: Mapping[str, Any]) -> Say:
    text = data.get("text", "")
    if not isinstance(text, str) or len(text) > TEXT_LIMIT:
        raise BadFrame(f"'text' must be a text of at most {TEXT_LIMIT} characters.")
    return Say(_name(data), text, data.get("end") is True)


def _played(data: Mapping[str, Any]) -> Played:
    index = data.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise BadFrame("'index' must be the number of a sentence.")
    return Played(_name(data), index)


READERS: dict[str, Callable[[Mapping[str, Any]], ClientFrame]] = {
    "listen": _listen,
    "end": lambda data: End(),
    "cancel": lambda data: Cancel(),
    "say": _say,
    "played": _played,
    "hush": lambda data: Hush(),
}
