"""What we say to Ollama: a call as the arguments of its client's `chat`."""

from __future__ import annotations

import json
from typing import Any

from apps.llm.messages import Call, Message, Options, Role

KEEP_ALIVE = "10m"  # how long a model stays in memory after an answer
BYTES_PER_TOKEN = 3  # on the safe side: English has four
MESSAGE_TOKENS = 8
IMAGE_TOKENS = 1024


def chat_arguments(call: Call, num_ctx: int) -> dict[str, Any]:
    """Everything that is asked for but `stream`. Only fields named here ever reach a server.

    An assistant's message at the end is gone on from. `num_ctx` 0 leaves the size of the context to the server.
    """
    messages = [_message(message) for message in call.messages]
    if call.prefill:
        messages.append({"role": Role.ASSISTANT.value, "content": _clean(call.prefill)})
    return {
        "model": _clean(call.model),
        "messages": messages,
        "tools": call.tools,
        "format": _format(call.response_format),
        "options": _options(call.options, num_ctx),
        "keep_alive": KEEP_ALIVE,
    }


def tokens_needed(call: Call) -> int:
    """An estimate, rather too high, of what the question and its answer take of the context."""
    written = len(call.prefill.encode("utf-8", "replace")) + len(str(call.tools) if call.tools else "")
    count = call.options.max_tokens
    for message in call.messages:
        written += len(message.text.encode("utf-8", "replace"))
        count += MESSAGE_TOKENS + IMAGE_TOKENS * len(message.images)
    return count + written // BYTES_PER_TOKEN


def tool_call_id(name: str, place: int) -> str:
    """Ollama knows calls by their function's name alone; two of one function need two names here."""
    return f"{name}#{place}"


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role.value, "content": _clean(message.text)}
    if message.images:
        wire["images"] = [image.data for image in message.images]  # bytes: a text could be taken for a path
    if message.tool_calls:
        wire["tool_calls"] = [
            {"function": {"name": _clean(call.name), "arguments": _arguments(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        wire["tool_name"] = _clean(message.tool_call_id.rpartition("#")[0] or message.tool_call_id)
    return wire


def _arguments(text: str) -> dict[str, Any]:
    """Ollama takes the arguments of a call as an object, everybody else as text."""
    try:
        found = json.loads(_clean(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _options(options: Options, num_ctx: int) -> dict[str, Any]:
    sampling: dict[str, Any] = {
        "num_predict": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "repeat_penalty": options.repeat_penalty,
    }
    if options.seed is not None:
        sampling["seed"] = options.seed
    if options.stop:
        sampling["stop"] = [_clean(text) for text in options.stop]
    if num_ctx:
        sampling["num_ctx"] = num_ctx
    return sampling


def _format(wanted: dict[str, Any] | None) -> Any:
    """OpenAI's form of asking for JSON as Ollama's: the schema itself, or the word `json`."""
    if wanted is None or wanted.get("type") == "text":
        return None
    schema = wanted.get("json_schema")
    return schema["schema"] if isinstance(schema, dict) and "schema" in schema else "json"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
