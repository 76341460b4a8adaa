"""What a model needs for an answer: who it is, how it shall write, and what was said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from apps.chat import prompts, selectors, sight
from apps.chat.frames import Ask, Continue, Edit, Retry
from apps.chat.selectors import Line
from apps.chat.services import Begun
from apps.core.errors import NitroError
from apps.llm import options
from apps.llm.errors import ProviderError
from apps.llm.messages import Image, Options
from apps.llm.router import Target, default_options, router

Starter = Ask | Retry | Edit | Continue


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model needs for an answer, or the `problem` that there is before one is even asked."""

    target: Target
    options: Options
    history: list[Line] = field(default_factory=list)
    pictures: Mapping[UUID, Image] = field(default_factory=dict)
    problem: NitroError | None = None


def needs_read(begun: Begun, frame: Starter) -> Needs:
    """What the model of a turn needs; its question may not be saved yet."""
    chosen = _options(begun, frame)
    nobody = Needs(Target("", "", 0, begun.turn.choice), chosen)
    try:
        target = router().resolve(begun.turn.choice)
        options.check(target.provider, _asked(frame))
    except ProviderError as error:
        return replace(nobody, problem=error)
    characters = prompts.history_characters(target.context_window)
    history = selectors.history_before(question=begun.turn.question, characters=characters)
    try:
        return Needs(target, chosen, history, sight.seen(history, target))
    except ProviderError as error:
        return Needs(target, chosen, history, problem=error)


def _options(begun: Begun, frame: Starter) -> Options:
    """The defaults of this installation, over them what was chosen for the chat, over that what the question says."""
    chosen: dict[str, Any] = {**begun.options, **_asked(frame)}
    return replace(default_options(), **chosen)


def _asked(frame: Starter) -> Mapping[str, float]:
    """The options that came with the question itself."""
    return frame.options if isinstance(frame, Ask) else {}
