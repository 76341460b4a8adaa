"""What a turn tells, as frames: the same over the websocket and over the API's event streams."""

from __future__ import annotations

from typing import Any

import orjson

from apps.chat.turnlog import Delta, End, Item, Status, Thought
from apps.core.failures import Failure, is_openai


def frames_of(turn: str, item: Item) -> list[dict[str, Any]]:
    """The frames that tell one item."""
    if isinstance(item, Delta):
        frame: dict[str, Any] = {"type": "delta", "turn": turn, "seq": item.seq, "text": item.text}
        if item.html is not None:
            frame["html"] = item.html.as_json()
        return [frame]
    if isinstance(item, Thought):
        return [{"type": "reasoning", "turn": turn, "at": item.at, "text": item.text}]
    if isinstance(item, Status):
        status: dict[str, Any] = {"type": "status", "turn": turn, "state": item.state}
        counted = {"position": item.position, "total": item.total}
        return [status | {name: number for name, number in counted.items() if number is not None}]
    return _frames_of_end(turn, item)


def _frames_of_end(turn: str, end: End) -> list[dict[str, Any]]:
    done: dict[str, Any] = {"type": "done", "turn": turn, "seq": end.seq, **end.done}
    if end.html is not None:
        done["html"] = end.html.as_json()
    if end.error is None:
        return [done]
    return [{"type": "error", "turn": turn, **end.error}, done]


def event_of_failure(failure: Failure, path: str) -> bytes:
    """The last event of a stream that goes wrong: a frame like the others, or OpenAI's shape at its addresses."""
    body = failure.body(path)
    return event_of(body if is_openai(path) else {"type": "error", **body})


def event_of(value: Any) -> bytes:
    """One server-sent event (WHATWG HTML, section 9.2)."""
    return b"data: " + orjson.dumps(value) + b"\n\n"
