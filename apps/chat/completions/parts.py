"""The messages of a request of OpenAI's form: texts, pictures, calls of tools and their results. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from apps.chat.completions.errors import Unacceptable
from apps.llm.events import ToolCall
from apps.llm.messages import Image, Message, Role

MESSAGES_LIMIT = 2_000
IMAGES_LIMIT, IMAGE_BYTES = 16, 20 * 1024 * 1024
DATA_URL = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,", re.IGNORECASE)
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


def messages_of(value: object) -> tuple[Message, ...]:
    """All messages, in their order. Raises `Unacceptable`."""
    if not isinstance(value, list) or not value:
        raise Unacceptable("messages", "'messages' must be a list with at least one message.")
    if len(value) > MESSAGES_LIMIT:
        raise Unacceptable("messages", f"'messages' has {len(value)} entries; at most {MESSAGES_LIMIT} are possible.")
    found = tuple(_message(item, f"messages[{place}]") for place, item in enumerate(value))
    if sum(len(message.images) for message in found) > IMAGES_LIMIT:
        raise Unacceptable("messages", f"At most {IMAGES_LIMIT} pictures are possible at once.")
    return found


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict):
        raise Unacceptable(where, "A message must be an object.", code="invalid_type")
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise Unacceptable(f"{where}.role", "'role' must be one of: " + ", ".join(ROLES) + ".")
    calls = _tool_calls(item, where)
    text, images = _content(item.get("content"), f"{where}.content", optional=bool(calls))
    answers = item.get("tool_call_id", "")
    if not isinstance(answers, str) or (role == "tool" and not answers):
        raise Unacceptable(f"{where}.tool_call_id", "A tool's message must name the call that it answers.")
    return Message(ROLES[role], text, images, answers[:200], calls)


def _content(value: object, where: str, *, optional: bool) -> tuple[str, tuple[Image, ...]]:
    if isinstance(value, str):
        return value, ()
    if value is None and optional:
        return "", ()
    if not isinstance(value, list) or not value:
        raise Unacceptable(where, "'content' must be a text or a list of parts.", code="invalid_type")
    texts: list[str] = []
    images: list[Image] = []
    for place, part in enumerate(value):
        _part(part, f"{where}[{place}]", texts, images)
    return "\n".join(texts), tuple(images)


def _part(part: object, where: str, texts: list[str], images: list[Image]) -> None:
    """Put a part where it belongs."""
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind in {"text", "refusal"} and isinstance(part.get(kind), str):
        texts.append(part[kind])
    elif isinstance(part, dict) and kind == "image_url":
        images.append(_image(part.get("image_url"), f"{where}.image_url"))
    else:
        raise Unacceptable(where, "A part must be a text or a picture (image_url).", code="unsupported_value")


def _image(value: object, where: str) -> Image:
    """A picture that stands in the request itself; those with an address have been fetched before."""
    url = value.get("url") if isinstance(value, dict) else value
    start = DATA_URL.match(url) if isinstance(url, str) else None
    if not isinstance(url, str) or start is None:
        raise Unacceptable(
            where,
            "A picture is data:image/png;base64,… (or jpeg, webp, gif), or an address that begins with https://.",
            code="unsupported_value",
        )
    try:
        data = base64.b64decode(url[start.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unacceptable(where, "This picture is not in base64.") from error
    if not 0 < len(data) <= IMAGE_BYTES:
        raise Unacceptable(where, f"A picture may have {IMAGE_BYTES // 1024 // 1024} MB at most.")
    return Image(data, _media_type(data, where))


def _media_type(data: bytes, where: str) -> str:
    """What the bytes say they are; what the address says does not count."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for signature, media_type in SIGNATURES.items():
        if data.startswith(signature):
            return media_type
    raise Unacceptable(where, "This is no picture of a kind that models know: PNG, JPEG, WebP or GIF.")


def _tool_calls(item: Mapping[str, Any], where: str) -> tuple[ToolCall, ...]:
    value = item.get("tool_calls") or []
    if not isinstance(value, list) or (value and item.get("role") != "assistant"):
        raise Unacceptable(f"{where}.tool_calls", "Only an assistant's message can hold 'tool_calls', as a list.")
    return tuple(_tool_call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(value))


def _tool_call(call: object, where: str) -> ToolCall:
    called = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(called, dict):
        raise Unacceptable(where, "A call must name its function.")
    words = (call.get("id"), called.get("name"), called.get("arguments", ""))
    if not all(isinstance(word, str) for word in words):
        raise Unacceptable(where, "A call has an id, and a function with a name and arguments, all of them texts.")
    return ToolCall(*(str(word) for word in words))
