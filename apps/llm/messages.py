"""What we say to a model: plain values, the same for every provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.llm.events import ToolCall


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture beside a text: its bytes and media type, such as `image/png`."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance. `tool_call_id` names the call that a tool's message answers; `tool_calls` are an answer's own."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()
    tool_call_id: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How to sample. A provider leaves out what its wire does not know."""

    max_tokens: int = 500
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    repeat_penalty: float = 1.1
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Everything that a provider needs for one completion.

    `prefill` is the beginning of the answer, already written: the model goes on from its end and does not repeat it.
    `response_format` is a JSON schema in OpenAI's form; `tools` are functions in OpenAI's form, and `tool_choice` says
    which of them the model must, may or must not call, where the provider knows such a wish.
    """

    model: str
    messages: tuple[Message, ...]
    options: Options = field(default_factory=Options)
    prefill: str = ""
    response_format: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None
