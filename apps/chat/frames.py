"""The vocabulary of the chat's websocket: what a client may say, parsed and checked, and what it hears.

The shapes are fixed by the contract with other programs (docs/api.md); here they become typed values.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from apps.core.errors import Invalid, NitroError

TEXT_LIMIT = 100_000  # characters of one question
SEQ_LIMIT = 2**31
ATTACHMENT_LIMIT = 8  # pictures of one question
UNPAIRED_OR_NUL = re.compile("[\x00\ud800-\udfff]")
OPTION_RANGES: Mapping[str, tuple[type, float, float]] = {
    "max_tokens": (int, 1, 1_000_000),
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "top_k": (int, 0, 1000),
    "repeat_penalty": (float, 0, 2),
    "seed": (int, 0, 2**31 - 1),
}


class NotJson(Invalid):
    """The frame is not JSON at all: the one mistake that ends the connection."""

    code = "not_json"
    hint = "Send one JSON object per text frame."


class BadFrame(Invalid):
    """JSON that is no frame of ours; the connection stays open. `request` is its id, if it has a sound one."""

    code = "bad_frame"
    request: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. The same `id` sent twice makes one message."""

    id: UUID
    text: str
    model: str = ""
    options: Mapping[str, float] = field(default_factory=dict)
    cache: bool = True
    search: bool = False
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """End a turn; the words so far are kept."""

    turn: UUID


@dataclass(frozen=True, slots=True)
class Retry:
    """Another answer to the same question, beside the one there is."""

    message: UUID
    model: str = ""
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Another question beside the one there is, with an answer of its own."""

    message: UUID
    text: str
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with an answer that was cut."""

    turn: UUID
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attach:
    """Tell a turn from the delta after number `after` on, then live."""

    turn: UUID
    after: int


ClientFrame = Ask | Stop | Retry | Edit | Continue | Attach


def parse(raw: str) -> ClientFrame:
    """Turn the text of a frame into a value.

    Raises `NotJson` where it is not JSON, and `BadFrame` with a sentence and a hint for everything else.
    """
    data = _decode(raw)
    if not isinstance(data, dict):
        raise BadFrame("That frame is JSON, but not an object.", hint="Send one JSON object per text frame.")
    kind = data.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadFrame("There is no frame of that type.", hint="Known types: " + ", ".join(READERS) + ".")
    try:
        return reader(data)
    except BadFrame as error:
        error.request = _request_of(data)
        raise


def _request_of(data: Mapping[str, Any]) -> UUID | None:
    """The id by which a client knows what was refused."""
    try:
        return _optional_uuid(data)
    except BadFrame:
        return None


def _decode(raw: str) -> object:
    """orjson, and where it refuses what is still JSON (unpaired surrogates, huge numbers), the slow way."""
    try:
        return orjson.loads(raw)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        pass
    try:
        return json.loads(raw, parse_int=_whole_number, parse_constant=_no_constant)
    except RecursionError as error:
        raise BadFrame("That frame is nested too deeply.") from error
    except ValueError as error:
        raise NotJson("That frame is not JSON.") from error


def _whole_number(digits: str) -> float:
    """Python refuses to read thousands of digits; no field takes a number of that size anyway."""
    return int(digits) if len(digits) < 400 else math.inf


def _no_constant(name: str) -> object:
    raise ValueError(name)


def clean_text(value: object, name: str = "text") -> str:
    """A question's text: not blank, not over-long, and something PostgreSQL and JSON can hold."""
    if not isinstance(value, str):
        raise BadFrame(f"'{name}' must be a text.")
    if UNPAIRED_OR_NUL.search(value):
        raise BadFrame(f"'{name}' holds characters that cannot be stored.", hint="Remove NUL and unpaired surrogates.")
    if not value.strip():
        raise BadFrame("There is nothing to answer: the text is empty.", code="empty_text")
    if len(value) > TEXT_LIMIT:
        raise BadFrame(
            f"The text has {len(value):,} characters; at most {TEXT_LIMIT:,} are possible.",
            code="text_too_long",
            hint="Split it into several messages.",
        )
    return value


def _uuid(data: Mapping[str, Any], name: str) -> UUID:
    value = data.get(name)
    try:
        return UUID(value) if isinstance(value, str) and len(value) <= 45 else UUID("")
    except ValueError as error:
        raise BadFrame(f"'{name}' must be a UUID.") from error


def _optional_uuid(data: Mapping[str, Any]) -> UUID | None:
    return _uuid(data, "id") if data.get("id") is not None else None


def model_name(data: Mapping[str, Any]) -> str:
    """The model that is asked for, "" for the default one; raises `BadFrame`."""
    value = data.get("model") or ""
    if not isinstance(value, str) or len(value) > 200 or UNPAIRED_OR_NUL.search(value):
        raise BadFrame("'model' must be the name of a model.", hint="Leave it out for the default model.")
    return value


def _option(name: str, value: object) -> float:
    kind, low, high = OPTION_RANGES[name]
    wanted = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted) or not low <= value <= high:
        number = "a whole number" if kind is int else "a number"
        raise BadFrame(f"The option '{name}' must be {number} from {low:,.10g} to {high:,.10g}.", code="bad_option")
    return value


def options(value: object) -> Mapping[str, float]:
    """Sampling options by name; unknown names and values out of range are refused, never passed on."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadFrame("'options' must be an object.", code="bad_option")
    unknown = [name for name in value if name not in OPTION_RANGES]
    if unknown:
        known = ", ".join(OPTION_RANGES)
        raise BadFrame(f"There is no option {unknown[0][:40]!r}.", code="bad_option", hint=f"Known options: {known}.")
    return {name: _option(name, item) for name, item in value.items() if item is not None}


def _switch(data: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = data.get(name, otherwise)
    if not isinstance(value, bool):
        raise BadFrame(f"'{name}' must be true or false.")
    return value


def attachments(data: Mapping[str, Any]) -> tuple[UUID, ...]:
    """The ids of pictures that were sent before, each once."""
    value = data.get("attachments") or []
    if not isinstance(value, list) or len(value) > ATTACHMENT_LIMIT:
        raise BadFrame(f"'attachments' must be a list of at most {ATTACHMENT_LIMIT} ids.", code="bad_attachments")
    return tuple(dict.fromkeys(_uuid({"attachments": item}, "attachments") for item in value))


def _ask(data: Mapping[str, Any]) -> Ask:
    return Ask(
        id=_uuid(data, "id"),
        text=clean_text(data.get("text")),
        model=model_name(data),
        options=options(data.get("options")),
        cache=_switch(data, "cache", otherwise=True),
        search=_switch(data, "search", otherwise=False),
        attachments=attachments(data),
    )


def _stop(data: Mapping[str, Any]) -> Stop:
    return Stop(turn=_uuid(data, "turn"))


def _retry(data: Mapping[str, Any]) -> Retry:
    return Retry(message=_uuid(data, "message"), model=model_name(data), id=_optional_uuid(data))


def _edit(data: Mapping[str, Any]) -> Edit:
    return Edit(message=_uuid(data, "message"), text=clean_text(data.get("text")), id=_optional_uuid(data))


def _continue(data: Mapping[str, Any]) -> Continue:
    return Continue(turn=_uuid(data, "turn"), id=_optional_uuid(data))


def _attach(data: Mapping[str, Any]) -> Attach:
    after = data.get("after", 0)
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < SEQ_LIMIT:
        raise BadFrame("'after' must be a whole number from 0: the last seq that arrived.")
    return Attach(turn=_uuid(data, "turn"), after=after)


READERS: Mapping[str, Callable[[Mapping[str, Any]], ClientFrame]] = {
    "ask": _ask,
    "stop": _stop,
    "retry": _retry,
    "edit": _edit,
    "continue": _continue,
    "attach": _attach,
}


def render(frame: Mapping[str, Any]) -> str:
    """A server's frame as text."""
    return orjson.dumps(frame).decode()


def accepted(*, request: UUID, turn: UUID, question: UUID, answer: UUID) -> dict[str, Any]:
    return {
        "type": "accepted",
        "id": str(request),
        "turn": str(turn),
        "question": str(question),
        "answer": str(answer),
    }


def error(problem: NitroError, *, turn: UUID | None = None, request: UUID | None = None) -> dict[str, Any]:
    """An error frame; `id` is that of the request it answers, where there is one."""
    frame: dict[str, Any] = {
        "type": "error",
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }
    if turn is not None:
        frame["turn"] = str(turn)
    if request is not None:
        frame["id"] = str(request)
    if problem.retry_after is not None:
        frame["retry_after"] = problem.retry_after
    return frame
