"""From findings to a cited answer, for programs that ask without a chat; a chat does it in its own stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core.database import in_database
from apps.llm.events import Chosen, RouterEvent, TextDelta
from apps.llm.messages import Call, Message, Role
from apps.llm.router import Target, default_options, router
from apps.search import keeping, prompts, services
from apps.search.finding import Wanted, find
from apps.search.marks import Citation, Marks
from apps.search.values import Findings, Passage, Step


@dataclass(frozen=True, slots=True)
class Reply:
    """What a program gets: the findings, and the cited answer where one was wanted."""

    search_id: UUID
    findings: Findings
    answer: str | None = None
    model: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """An answer with the marks that were kept."""

    text: str
    marks: tuple[Citation, ...]
    model: str


def nothing(_: Step) -> None:
    """For whoever does not want to hear of the steps."""


async def reply(
    *, user: User, wanted: Wanted, answer: bool, model: str = "", tell: Callable[[Step], None] = nothing
) -> Reply:
    """Find and, if wanted, answer; what was answered within the hour is given again. Raises a `ProviderError`."""
    target = router().resolve(model) if answer else None
    key = keeping.asked_key(wanted.query, list(wanted.urls), f"{target.provider}:{target.choice}" if target else "-")
    findings = await find(user=user, wanted=wanted, tell=tell)
    search = await in_database(services.search_save, user=user, findings=findings)
    if target is None:
        return Reply(search.id, findings, cached=findings.cached)
    kept = await keeping.answer_get(user.pk, key) if findings.cached else None
    if kept is None:
        tell(Step("writing"))
        written = await write(findings, target, who=str(user.pk))
    else:
        written = remembered(findings, target, kept)
    await in_database(
        services.search_cite,
        user=user,
        search_id=search.id,
        marks=written.marks,
        answer=written.text,
        model=written.model,
    )
    if findings.read and kept is None:
        await keeping.answer_put(user.pk, key, {"text": written.text, "model": written.model})
    return Reply(search.id, findings, written.text, written.model, cached=kept is not None)


def remembered(findings: Findings, target: Target, kept: Mapping[str, Any]) -> Written:
    """An answer that was given before; its marks are found anew, so that the rows of this search have them, too."""
    marks = Marks(_passages(findings, target))
    text = marks.feed(str(kept["text"])) + marks.finish()
    return Written(text, tuple(marks.citations), str(kept["model"]))


def _passages(findings: Findings, target: Target) -> dict[int, Sequence[Passage]]:
    given = prompts.sources_choose(findings.read, prompts.passages_budget(target.context_window))
    return {source.number: source.passages for source in given}


async def write(findings: Findings, target: Target, *, who: str) -> Written:
    """Let a model answer from the passages, in the line of whoever asks; raises a `ProviderError`."""
    given = prompts.sources_choose(findings.read, prompts.passages_budget(target.context_window))
    marks = Marks({source.number: source.passages for source in given})
    call = Call(target.model, (Message(Role.USER, prompts.question_build(findings, given)),), default_options())
    parts: list[str] = []
    model = target.model
    async with aclosing(router().stream(target, call, who=who)) as events:
        async for event in events:
            model = _model(event, model)
            if isinstance(event, TextDelta):
                parts.append(marks.feed(event.text))
    parts.append(marks.finish())
    return Written("".join(parts), tuple(marks.citations), model)


def _model(event: RouterEvent, before: str) -> str:
    return event.model if isinstance(event, Chosen) else before
