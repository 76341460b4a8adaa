"""What one answer of OpenAI's form took, counted while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.llm.events import Chosen, Finished, ReasoningDelta, RouterEvent, TextDelta, Usage
from apps.llm.messages import Message

CHARACTERS_PER_TOKEN = 4  # of English; only where the provider does not count


@dataclass(slots=True)
class Tally:
    """Tokens as the provider counted them, estimated where it did not or was stopped before it could."""

    messages: Sequence[Message]
    reason: str = "stop"
    chosen: Chosen | None = None
    counted: Usage | None = None
    length: int = 0
    keeps: bool = False  # whether the words themselves are wanted afterwards
    cached: bool = False  # it came from memory
    free: bool = False  # no model wrote it for this question
    words: list[str] = field(default_factory=list)

    def take(self, event: RouterEvent) -> None:
        match event:
            case TextDelta(text):
                self.length += len(text)
                if self.keeps:
                    self.words.append(text)
            case ReasoningDelta(text):
                self.length += len(text)
            case Chosen():
                self.chosen = event
            case Usage():
                self.counted = event
            case Finished(reason):
                self.reason = reason

    @property
    def usage(self) -> Usage:
        if self.counted is not None:
            return self.counted
        asked = sum(len(message.text) for message in self.messages) // CHARACTERS_PER_TOKEN
        return Usage(asked, -(-self.length // CHARACTERS_PER_TOKEN))
