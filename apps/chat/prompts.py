"""From a history to what the model gets: trimmed to its context window, and the same prefix for as long as possible.

A model server keeps the work it did for the beginning of a prompt. So when a history has to lose its oldest messages,
it loses a whole group of them at once, and the cut stays where it is for the next turns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.chat.selectors import Line
from apps.llm.errors import ContextExceeded
from apps.llm.messages import Call, Image, Message, Options, Role
from apps.llm.router import Target

GROUP = 8  # messages that are dropped together
BYTES_PER_TOKEN = 3  # fewer than any common tokenizer needs for prose, so that estimates err on the safe side
PER_MESSAGE = 8  # tokens of markup around each message
PER_PICTURE = 1024
CITATION = re.compile(r"\[([0-9]{1,3})\]\(/search/passages/[0-9a-f-]{36}/\)")
ANSWER_SHARE = 0.5  # of the context window, at most, is kept free for the answer
DEFAULT_WINDOW = 8192


def estimated_tokens(text: str) -> int:
    """How many tokens a text takes at most, roughly: no tokenizer of every model there is can be at hand."""
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + PER_MESSAGE


def room(context_window: int, max_tokens: int) -> int:
    """Tokens that a prompt may take."""
    window = context_window or DEFAULT_WINDOW
    return window - min(max_tokens, int(window * ANSWER_SHARE))


def history_characters(context_window: int) -> int:
    """How much of a history is worth reading at all for a model with this window."""
    return (context_window or DEFAULT_WINDOW) * 5


def tokens_of(line: Line) -> int:
    """The same for a message with its pictures."""
    return estimated_tokens(line.text) + PER_PICTURE * len(line.pictures)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model gets, how many of the oldest messages found no room in it, and the tokens of all there are."""

    messages: tuple[Message, ...]
    dropped: int
    tokens: int


def build(
    history: Sequence[Line],
    *,
    system_prompt: str,
    context_window: int,
    max_tokens: int,
    prefill: str = "",
    pictures: Mapping[UUID, Image] | None = None,
) -> Prompt:
    """The system prompt, then the history from the first group on that fits; the question is always in it.

    `prefill`, the beginning of the answer where one goes on, is no part of it but needs its room; `pictures` are those
    of the history that the model shall see.
    Raises `ContextExceeded` where the question alone is longer than the window: an answer to half of a question
    would look like an answer to all of it.
    """
    budget = room(context_window, max_tokens)
    system = [Message(Role.SYSTEM, system_prompt)] if system_prompt.strip() else []
    rules = sum(estimated_tokens(message.text) for message in system)
    budget -= rules
    budget -= estimated_tokens(prefill) if prefill else 0
    spoken = [line for line in history if line.text.strip()]
    lines = _fitting(spoken, budget)
    seen = pictures or {}
    messages = (*system, *(_message(line, seen) for line in lines))
    return Prompt(messages, len(spoken) - len(lines), rules + sum(tokens_of(line) for line in spoken))


def call_build(
    history: Sequence[Line],
    *,
    target: Target,
    options: Options,
    system_prompt: str,
    prefill: str = "",
    pictures: Mapping[UUID, Image] | None = None,
) -> tuple[Prompt, Call]:
    """As `build`, with what a model is asked, by which two questions are equal or not. Raises `ContextExceeded`."""
    prompt = build(
        history,
        system_prompt=system_prompt,
        context_window=target.context_window,
        max_tokens=options.max_tokens,
        prefill=prefill,
        pictures=pictures,
    )
    return prompt, Call(target.model, prompt.messages, options, prefill=without_citations(prefill))


def _message(line: Line, pictures: Mapping[UUID, Image]) -> Message:
    return Message(
        Role(line.role), without_citations(line.text), tuple(pictures[one] for one in line.pictures if one in pictures)
    )


def _fitting(history: Sequence[Line], budget: int) -> Sequence[Line]:
    """The lines from the first group on that fit into `budget` tokens, beginning with a question."""
    lines = list(history)
    total = sum(tokens_of(line) for line in lines)
    while len(lines) > 1 and (total > budget or lines[0].role != Role.USER):
        dropped = _oldest(lines, whole_group=total > budget)
        lines = lines[len(dropped) :]
        total -= sum(tokens_of(line) for line in dropped)
    if total > budget:
        raise ContextExceeded(
            f"This question is too long for the model: about {total:,} tokens, with room for {budget:,}."
        )
    return lines


def _oldest(lines: Sequence[Line], *, whole_group: bool) -> Sequence[Line]:
    group = lines[0].position // GROUP
    return [line for line in lines[:-1] if line.position // GROUP == group] if whole_group else lines[:1]


def without_citations(text: str) -> str:
    """An earlier answer's marks as the model wrote them: what they lead to is ours alone."""
    return CITATION.sub(r"[\1]", text) if "/search/passages/" in text else text
