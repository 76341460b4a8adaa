"""Which addresses of programs are answered beside Django, and how each of them is."""

from __future__ import annotations

from apps.chat.completions import answering
from apps.chat.completions.wire import asked_from
from apps.chat.visits import Answer, Visit
from apps.llm.router import default_options


async def completions(visit: Visit) -> None:
    """`POST /v1/chat/completions`"""
    asked = asked_from(visit.body, default_options())
    if asked.stream:
        await visit.stream(answering.pieces(user=visit.user, asked=asked))
    else:
        await visit.answer(await answering.whole(user=visit.user, asked=asked))


ROOMS: dict[str, Answer] = {"/v1/chat/completions": completions}
