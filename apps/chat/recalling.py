"""Looks whether an answer is remembered before its question is saved, and tells how such a turn ends.

Whoever finds nothing here asks through `apps/chat/flights.py`, which looks once more and tells the other processes.
"""

from __future__ import annotations

from apps.chat import markdown, prompts, replies
from apps.chat.measured import Measured
from apps.chat.models import Turn
from apps.chat.needs import Needs
from apps.chat.prompts import Prompt
from apps.chat.replies import Reply
from apps.chat.services import Outcome
from apps.chat.sources import question_of
from apps.core.memory import MemoryAway
from apps.llm.errors import ProviderError
from apps.llm.events import Chosen, Usage


def outcome(needs: Needs, *, user_id: int, system_prompt: str, began: float) -> Outcome | None:
    """How the turn ends whose answer is remembered; None where a model has to be asked. One round trip to Redis.

    `began` is `time.perf_counter()` at the client's request.
    """
    if needs.problem is not None:
        return None
    try:
        prompt, call = prompts.call_build(
            needs.history,
            target=needs.target,
            options=needs.options,
            system_prompt=system_prompt,
            pictures=needs.pictures,
        )
        question = question_of(user_id, needs.target, call)
        reply = replies.recall(question) if question is not None else None
    except (ProviderError, MemoryAway):  # the turn will meet the same, and tells it
        return None
    return None if reply is None else _end(needs, prompt, reply, began)


def _end(needs: Needs, prompt: Prompt, reply: Reply, began: float) -> Outcome:
    measured = Measured(
        began,
        Chosen(reply.provider, reply.model),
        counted=Usage(reply.prompt_tokens, reply.completion_tokens),
        prompt_tokens=prompt.tokens,
        dropped=prompt.dropped,
        cached=True,
        free=True,
    )
    measured.count(reply.text, said=len(reply.text), window=needs.target.context_window)
    html = markdown.render(reply.text)
    measured.first_token = measured.total = measured.now()
    return Outcome(
        state=Turn.State.DONE,
        finish_reason="stop",
        text=reply.text,
        html=html,
        html_version=markdown.VERSION,
        reasoning=reply.reasoning,
        marks=[len(reply.text)],
        columns=measured.columns(None),
    )
