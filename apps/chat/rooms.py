"""Which addresses of programs are answered beside Django, and how each of them is."""

from __future__ import annotations

from apps.chat import asking, batches
from apps.chat.completions import answering, embedding
from apps.chat.completions.pictures import pictures_fetch
from apps.chat.completions.wire import asked_from
from apps.chat.visits import Answer, Visit
from apps.core.idempotency import HEADER, key_from
from apps.llm.router import default_options


async def completions(visit: Visit) -> None:
    """`POST /v1/chat/completions`"""
    await pictures_fetch(visit.body)
    asked = asked_from(visit.body, default_options())
    if asked.stream:
        await visit.stream(answering.pieces(user=visit.user, asked=asked))
    else:
        await visit.answer(await answering.whole(user=visit.user, asked=asked))


async def chat(visit: Visit) -> None:
    """`POST /api/chat/`"""
    question = asking.question_from(visit.body, key_from(visit.header(HEADER)))
    asked = await asking.ask(user=visit.user, question=question)
    if question.stream:
        await visit.stream(asking.pieces(asked))
    else:
        await visit.answer(await asking.whole(asked))


async def batch(visit: Visit) -> None:
    """`POST /api/chat/batch/`"""
    requests = batches.requests_from(visit.body)
    key = key_from(visit.header(HEADER))
    await visit.answer(await batches.answers(user=visit.user, requests=requests, admit=visit.count, key=key))


async def embeddings(visit: Visit) -> None:
    """`POST /v1/embeddings`"""
    await visit.answer(await embedding.embeddings(user=visit.user, wanted=embedding.wanted_from(visit.body)))


ROOMS: dict[str, Answer] = {
    "/v1/chat/completions": completions,
    "/v1/embeddings": embeddings,
    "/api/chat/": chat,
    "/api/chat/batch/": batch,
}
