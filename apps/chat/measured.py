"""What a turn took and who answered it: as it is measured, as its row keeps it, and as its last frame tells it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from apps.chat.prompts import estimated_tokens
from apps.core.errors import NitroError
from apps.llm.events import Chosen, ToolCall, Usage

CHARACTERS_PER_TOKEN = 4  # of English; only where the provider does not count


@dataclass(frozen=True, slots=True)
class Context:
    """How full the model's window is, in tokens as `prompts` estimates them.

    `tokens` are those of the whole chat up to the end of the answer: where they do not fit into `window` beside the
    next answer, the oldest messages are left out.
    """

    tokens: int
    window: int

    def as_json(self) -> dict[str, int]:
        return {"tokens": self.tokens, "window": self.window}


@dataclass(slots=True)
class Measured:
    """One turn, in seconds since it was asked for. `asked` and `said` count characters, for providers
    that count nothing.
    """

    began: float
    chosen: Chosen
    queued: float | None = None
    first_token: float | None = None
    total: float | None = None
    counted: Usage | None = None
    asked: int = 0
    prompt_tokens: int = 0  # of everything before the answer, as estimated
    said: int = 0
    dropped: int = 0
    cached: bool = False
    free: bool = False  # no model wrote the words for this turn
    context: Context | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)

    def now(self) -> float:
        return time.perf_counter() - self.began

    def count(self, text: str, *, said: int, window: int) -> None:
        """The answer is `text`, `said` characters of it new: how full the window is now, for whoever asks next."""
        self.said = said
        if window and self.prompt_tokens:
            self.context = Context(self.prompt_tokens + estimated_tokens(text), window)

    def usage(self) -> dict[str, int]:
        """Tokens as the provider counted them, or an estimate."""
        if self.counted is not None:
            return {"prompt_tokens": self.counted.prompt_tokens, "completion_tokens": self.counted.completion_tokens}
        return {
            "prompt_tokens": self.asked // CHARACTERS_PER_TOKEN,
            "completion_tokens": -(-self.said // CHARACTERS_PER_TOKEN),
        }

    def timing(self) -> dict[str, Any]:
        total = self.total if self.total is not None else self.now()
        writing = total - (self.first_token if self.first_token is not None else total)
        tokens = 0 if self.cached else self.usage()["completion_tokens"]
        return {
            "queued_ms": round((self.queued or 0) * 1000),
            "first_token_ms": None if self.first_token is None else round(self.first_token * 1000),
            "total_ms": round(total * 1000),
            "tokens_per_second": round(tokens / writing, 1) if writing > 0.001 and tokens else None,
        }

    def calls(self) -> list[dict[str, str]]:
        return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in self.tool_calls]

    def columns(self, problem: NitroError | None) -> dict[str, object]:
        """What the turn's row keeps."""
        columns: dict[str, object] = {
            "provider": self.chosen.provider,
            "model": self.chosen.model[:200],
            "fallback_from": self.chosen.fallback_from[:200],
            "fallback_reason": self.chosen.fallback_reason[:200],
            "dropped_messages": self.dropped,
            "cached": self.cached,
            **self.usage(),
            **self.timing(),
        }
        if self.context is not None:
            columns |= {"context_tokens": self.context.tokens, "context_window": self.context.window}
        if problem is not None:
            columns |= {
                "error_code": problem.code,
                "error_message": problem.message[:2000],
                "error_hint": problem.hint[:2000],
            }
        return columns

    def done(self, reason: str) -> dict[str, Any]:
        """The fields of the last frame."""
        done: dict[str, Any] = {
            "finish_reason": reason,
            "usage": self.usage(),
            "timing": self.timing(),
            "cached": self.cached,
            "provider": self.chosen.provider,
            "model": self.chosen.model,
        }
        if self.chosen.fallback_from:
            done["fallback_from"] = self.chosen.fallback_from
        if self.chosen.fallback_reason:
            done["fallback_reason"] = self.chosen.fallback_reason
        if self.dropped:
            done["dropped_messages"] = self.dropped
        if self.context is not None:
            done["context"] = self.context.as_json()
        if self.tool_calls:
            done["tool_calls"] = self.calls()
        return done
