"""What we send over OpenAI's wire: a call as the JSON of `POST /chat/completions`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

import orjson

from apps.llm.events import ToolCall
from apps.llm.messages import Call, Message, Role

UNWANTED_CODES = frozenset({"unsupported_parameter", "unsupported_value"})
UNWANTED_FIELDS = frozenset({"max_tokens", "temperature", "top_p", "stop", "seed", "stream_options"})
CONTINUE = "Continue your last answer exactly where it stopped. Do not repeat anything of it, and add no introduction."


def request_body(call: Call, *, llama: bool) -> dict[str, Any]:
    """The body of a streamed completion. Only fields named here ever reach a server.

    `llama` is for llama.cpp's server: it knows two samplers more, and goes on from an assistant's message at the end.
    Elsewhere the beginning of an answer is followed by a request to continue it.
    """
    options = call.options
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(call, llama=llama),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
    }
    if llama:
        body |= {"top_k": options.top_k, "repeat_penalty": options.repeat_penalty}
    if options.seed is not None:
        body["seed"] = options.seed
    if options.stop:
        body["stop"] = list(options.stop)
    if call.response_format is not None:
        body["response_format"] = call.response_format
    if call.tools:
        body["tools"] = list(call.tools)
    if call.tools and call.tool_choice is not None:
        body["tool_choice"] = call.tool_choice
    return body


def unwanted_field(raw: bytes, body: dict[str, Any]) -> str:
    """The field of our request that a model does not take, read off its error; empty where the error is another one.

    OpenAI's newer models refuse `max_tokens`, and any temperature but their own.
    """
    try:
        error = orjson.loads(raw)["error"]
        code, field = error["code"], error["param"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return field if code in UNWANTED_CODES and field in UNWANTED_FIELDS and field in body else ""


def without(body: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The request without fields that the model does not take; the limit of tokens goes by its newer name instead."""
    rest = {name: value for name, value in body.items() if name not in fields}
    if "max_tokens" in fields:
        rest["max_completion_tokens"] = body["max_tokens"]
    return rest


def _messages(call: Call, *, llama: bool) -> list[dict[str, Any]]:
    messages = [_message(message) for message in call.messages]
    if call.prefill:
        messages.append({"role": Role.ASSISTANT.value, "content": call.prefill})
    if call.prefill and not llama:
        messages.append({"role": Role.USER.value, "content": CONTINUE})
    return messages


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role.value, "content": message.text}
    if message.images:
        pictures = [
            {"type": "image_url", "image_url": {"url": _data_url(i.media_type, i.data)}} for i in message.images
        ]
        wire["content"] = [{"type": "text", "text": message.text}, *pictures]
    if message.tool_calls:
        wire["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
