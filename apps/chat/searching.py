"""A question that is searched for first: the search as a preparation of a turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from apps.accounts.models import User
from apps.chat.frames import Ask, Continue, Edit, Retry
from apps.chat.models import Message, Turn
from apps.chat.preparation import Preparation
from apps.chat.prompts import without_citations
from apps.chat.selectors import Line
from apps.chat.turnlog import Status
from apps.core.database import in_database
from apps.core.errors import NitroError
from apps.search import prompts, services
from apps.search.finding import Wanted, find
from apps.search.marks import Citation, Marks
from apps.search.models import Search
from apps.search.selectors import findings_of, searched, searches_of_messages
from apps.search.services import QUERY_LIMIT
from apps.search.values import Findings, Step
from apps.search.words import content_words

logger = logging.getLogger(__name__)
ENOUGH_WORDS = 3  # a shorter question ("And how long is it?") is searched for together with the one before


def is_wished(*, user_id: int, frame: Ask | Retry | Edit | Continue) -> bool:
    """Whether to search first: as the question says, and for another version as it was done for the first."""
    match frame:
        case Ask():
            return frame.search
        case Retry():
            return searched(user_id=user_id, message_ids=[frame.message])
        case Edit():
            versions = Message.objects.filter(parent_id=frame.message).values_list("id", flat=True)
            return searched(user_id=user_id, message_ids=list(versions))
        case Continue():
            answers = Turn.objects.filter(id=frame.turn).values_list("answer_id", flat=True)
            return searched(user_id=user_id, message_ids=list(answers))


def preparation(*, user: User, turn: Turn, history: Sequence[Line], fresh: bool) -> Preparation | None:
    """The search of a turn; a `fresh` one looks at nothing that was kept.

    An answer from a search may be kept like any other: its passages are part of what is compared, and they are
    themselves kept for an hour at most.
    """
    return Searching(user, turn, query_of(history), fresh or turn.kind == Turn.Kind.RETRY) if history else None


def query_of(history: Sequence[Line]) -> str:
    """What to search for: the question, and where that says too little alone the question before it, too."""
    asked = [line.text for line in history if line.role == Message.Role.USER]
    query = asked[-1] if asked else ""
    if len(asked) > 1 and len(content_words(query)) < ENOUGH_WORDS:
        query = f"{asked[-2]} {query}"
    return query[:QUERY_LIMIT]


class Searching:
    """One search for one answer. Its marks become links to the passages they rest on."""

    def __init__(self, user: User, turn: Turn, query: str, fresh: bool) -> None:
        self._user, self._turn = user, turn
        self._wanted = Wanted(query, fresh=fresh)
        self._search: Search | None = None
        self._marks = Marks({}, link)

    async def question(self, context_window: int, tell: Callable[[Status], None]) -> str:
        findings = await self._found_before() if self._turn.kind == Turn.Kind.CONTINUE else await self._find(tell)
        given = prompts.sources_choose(findings.read, prompts.passages_budget(context_window))
        passages = {source.number: source.passages for source in given}
        self._marks = Marks(passages, link, without_citations(self._turn.answer.text))
        tell(status_of(Step("writing")))
        return prompts.question_build(findings, given)

    async def _found_before(self) -> Findings:
        """An answer goes on with what was found for its beginning."""
        rows = await in_database(searches_of_messages, user=self._user, message_ids=[self._turn.answer_id])
        self._search = rows[self._turn.answer_id]
        return findings_of(self._search)

    async def _find(self, tell: Callable[[Status], None]) -> Findings:
        findings = await find(user=self._user, wanted=self._wanted, tell=lambda step: tell(status_of(step)))
        self._search = await in_database(
            services.search_save,
            user=self._user,
            findings=findings,
            message_id=self._turn.answer_id,
            conversation_id=self._turn.conversation_id,
        )
        return findings

    def shown(self, text: str) -> str:
        return self._marks.feed(text)

    def rest(self) -> str:
        return self._marks.finish()

    async def keep(self) -> None:
        if self._search is None or not self._marks.citations:
            return
        try:
            await in_database(
                services.search_cite, user=self._user, search_id=self._search.id, marks=self._marks.citations
            )
        except NitroError as error:
            logger.warning("The marks of an answer could not be kept: %s", error)


def link(citation: Citation) -> str:
    """A mark as Markdown that leads to its passage."""
    return f"[{citation.number}](/search/passages/{citation.passage.id}/)"


def status_of(step: Step) -> Status:
    return Status(step.state, step.position, step.total)
