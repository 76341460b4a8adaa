"""What goes out, as OpenAI's clients read it: pieces of an answer and whole answers. Pure: values in, bytes out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.llm.events import ToolCall, Usage

DONE = b"data: [DONE]\n\n"


def usage_json(usage: Usage) -> dict[str, int]:
    total = usage.prompt_tokens + usage.completion_tokens
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": total,
    }


@dataclass(slots=True)
class Chunks:
    """Makes the chunks of one answer. All of a chunk but its words is the same each time, and made once."""

    model: str
    include_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))
    _calls: int = 0
    _before: bytes = b""
    _after: bytes = b""

    def __post_init__(self) -> None:
        raw = self._chunk({"content": "\0"}, None)
        self._before, self._after = raw.split(b'"\\u0000"')

    def first(self) -> bytes:
        """Who speaks; the words follow."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def text(self, words: str) -> bytes:
        return self._before + orjson.dumps(words) + self._after

    def reasoning(self, words: str) -> bytes:
        return self._chunk({"reasoning_content": words}, None)

    def tool_call(self, call: ToolCall) -> bytes:
        """A whole call in one piece."""
        entry = {"index": self._calls, **tool_call_json(call)}
        self._calls += 1
        return self._chunk({"tool_calls": [entry]}, None)

    def last(self, reason: str, usage: Usage, more: Mapping[str, Any] | None = None) -> bytes:
        """Why it ends, with `more` beside OpenAI's; the tokens where they were asked for; the mark of the end."""
        end = self._chunk({}, "tool_calls" if self._calls and reason == "stop" else reason, more)
        if not self.include_usage:
            return end + DONE
        counted = {**self._head(), "choices": [], "usage": usage_json(usage)}
        return end + _event(counted) + DONE

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}

    def _chunk(self, delta: dict[str, Any], reason: str | None, more: Mapping[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = {**self._head(), "choices": [choice], **(more or {})}
        return _event({**chunk, "usage": None} if self.include_usage else chunk)


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def tool_call_json(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


@dataclass(slots=True)
class Whole:
    """An answer that is sent in one piece, as it grows."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)

    def json(self, chunks: Chunks, reason: str, usage: Usage) -> dict[str, Any]:
        """`chunks` knows the answer's id and model."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.texts), "refusal": None}
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = [tool_call_json(call) for call in self.calls]
            message["content"] = message["content"] or None
        ended = "tool_calls" if self.calls and reason == "stop" else reason
        return {
            "id": chunks.id,
            "object": "chat.completion",
            "created": chunks.created,
            "model": chunks.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": ended}],
            "usage": usage_json(usage),
        }
