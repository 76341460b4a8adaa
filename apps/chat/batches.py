"""Many questions in one request: answered side by side, told in their order, each with a status of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid5

from apps.accounts.models import User
from apps.chat import asking
from apps.chat.asking import Question
from apps.core.errors import Invalid, NitroError
from apps.core.failures import Failure

MOST = 100
API = "/api/"
Admit = Callable[[], Awaitable[None]]


def requests_from(body: object) -> list[object]:
    """The requests in a batch's JSON; each is looked at by itself. Raises `Invalid`."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not 0 < len(requests) <= MOST:
        raise Invalid(f"'requests' must be a list of 1 to {MOST} questions.")
    return requests


async def answers(*, user: User, requests: Sequence[object], admit: Admit, key: str = "") -> dict[str, Any]:
    """All answers. How many are written at once is for the line before each model to say; all of them stop together.

    `admit` counts a question and raises where it is one too many; the request itself has been counted as one.
    """
    keys = [str(uuid5(asking.NAMES, f"batch:{key}:{place}")) if key else "" for place in range(len(requests))]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_answer(user, body, keys[place], admit if place else None))
            for place, body in enumerate(requests)
        ]
    return {"results": [task.result() for task in tasks]}


async def _answer(user: User, body: object, key: str, admit: Admit | None) -> dict[str, Any]:
    try:
        question = _question(body, key)
        if admit is not None:
            await admit()
        return {"status": 200, "answer": await asking.whole(await asking.ask(user=user, question=question))}
    except NitroError as error:
        failure = Failure.of(error)
        return {"status": failure.status, "error": failure.body(API)}


def _question(body: object, key: str) -> Question:
    question = asking.question_from(body, key)
    if question.stream:
        raise Invalid("A question of a batch cannot be streamed.")
    return question
