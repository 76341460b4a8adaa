"""What we send over OpenAI's wire: a call as the JSON of `POST /chat/completions`."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from apps.llm.messages import Call, Message, Role

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
    return body


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
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
