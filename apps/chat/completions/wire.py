"""A request of OpenAI's form becomes a value. Pure: fields that we do not know are passed over, as OpenAI does.

Only what is named here ever reaches a model: a raw sampler's field of a client is never handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.chat.completions.errors import Unacceptable
from apps.chat.completions.parts import messages_of
from apps.llm.messages import Message, Options

DEFAULT_MODELS = frozenset({"", "auto"})
MODEL_LIMIT = 200
STOP_LIMIT, STOP_LENGTH = 4, 200
TOOLS_LIMIT = 128
FORMATS = ("text", "json_object", "json_schema")
CHOICES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a model. `store` asks for a chat that stays; without it nothing does but the count of tokens."""

    model: str
    messages: tuple[Message, ...]
    options: Options
    stream: bool = False
    include_usage: bool = False
    store: bool = False
    cache: bool = True
    response_format: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None


def asked_from(body: object, defaults: Options) -> Asked:
    """The question in a request's JSON; what is not said comes from `defaults`. Raises `Unacceptable`."""
    if not isinstance(body, dict):
        raise Unacceptable("", "The body must be a JSON object.")
    _refuse_many(body)
    stream = _boolean(body, "stream")
    return Asked(
        model=model_of(body),
        messages=messages_of(body.get("messages")),
        options=_options(body, defaults),
        stream=stream,
        include_usage=stream and _include_usage(body),
        store=_boolean(body, "store"),
        cache=body.get("cache") is None or _boolean(body, "cache"),
        response_format=_response_format(body),
        tools=_tools(body),
        tool_choice=_tool_choice(body),
    )


def _refuse_many(body: Mapping[str, Any]) -> None:
    count = body.get("n")
    if count is not None and (isinstance(count, bool) or count != 1):
        raise Unacceptable("n", "'n' must be 1: one answer at a time.", code="unsupported_value")


def _boolean(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Unacceptable(name, f"'{name}' must be true or false.", code="invalid_type")
    return bool(value)


def _include_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise Unacceptable("stream_options", "'stream_options' must be an object.", code="invalid_type")
    return _boolean(options, "include_usage")


def model_of(body: Mapping[str, Any]) -> str:
    """The model that is asked for; empty for the default."""
    value = body.get("model", "")
    if not isinstance(value, str) or len(value) > MODEL_LIMIT:
        raise Unacceptable("model", "'model' must be the name of a model.", code="invalid_type")
    return "" if value in DEFAULT_MODELS else value


def _options(body: Mapping[str, Any], defaults: Options) -> Options:
    length = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    chosen = {
        "max_tokens": _whole(body, length, 1, 1_000_000),
        "temperature": _number(body, "temperature", 0, 2),
        "top_p": _number(body, "top_p", 0, 1),
        "top_k": _whole(body, "top_k", 0, 1000),
        "repeat_penalty": _number(body, "repeat_penalty", 0, 2),
        "seed": _whole(body, "seed", -(2**63), 2**63 - 1),
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if "seed" in given:
        given["seed"] = int(given["seed"]) % 2**31
    untyped: dict[str, Any] = given
    return replace(defaults, **untyped, stop=_stop(body))


def _number(body: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unacceptable(name, f"'{name}' must be a number.", code="invalid_type")
    if not low <= value <= high:
        raise Unacceptable(name, f"'{name}' must be between {low} and {high}.")
    return value


def _whole(body: Mapping[str, Any], name: str, low: int, high: int) -> float | None:
    value = _number(body, name, low, high)
    if value is not None and not isinstance(value, int):
        raise Unacceptable(name, f"'{name}' must be a whole number.", code="invalid_type")
    return value


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("stop")
    words = [value] if isinstance(value, str) else value or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Unacceptable("stop", "'stop' must be a text or a list of texts.", code="invalid_type")
    if len(words) > STOP_LIMIT or any(len(word) > STOP_LENGTH for word in words):
        raise Unacceptable("stop", f"'stop' takes at most {STOP_LIMIT} texts of {STOP_LENGTH} characters.")
    return tuple(word for word in words if word)


def _response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    value = body.get("response_format")
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in FORMATS:
        raise Unacceptable("response_format", "'response_format.type' must be one of: " + ", ".join(FORMATS) + ".")
    if kind == "json_schema" and not isinstance(_schema(value), dict):
        raise Unacceptable("response_format.json_schema.schema", "A JSON schema must be an object.")
    return None if kind == "text" else value


def _schema(value: Mapping[str, Any]) -> object:
    described = value.get("json_schema")
    return described.get("schema") if isinstance(described, dict) else None


def _tools(body: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    value = body.get("tools") or []
    if not isinstance(value, list) or len(value) > TOOLS_LIMIT:
        raise Unacceptable("tools", f"'tools' must be a list of at most {TOOLS_LIMIT} functions.")
    for place, tool in enumerate(value):
        described = tool.get("function") if isinstance(tool, dict) else None
        named = isinstance(described, dict) and isinstance(described.get("name"), str)
        if not named or tool.get("type") != "function":
            raise Unacceptable(f"tools[{place}]", "A tool must be of the type function and have a name.")
    return tuple(value)


def _tool_choice(body: Mapping[str, Any]) -> str | dict[str, Any] | None:
    value = body.get("tool_choice")
    if value is None:
        return None
    if not body.get("tools"):
        raise Unacceptable("tool_choice", "'tool_choice' needs 'tools'.")
    named = value.get("function") if isinstance(value, dict) else None
    if value in CHOICES or (isinstance(named, dict) and isinstance(named.get("name"), str)):
        chosen: str | dict[str, Any] = value
        return chosen
    raise Unacceptable("tool_choice", "'tool_choice' must be one of: " + ", ".join(CHOICES) + ", or name a function.")
