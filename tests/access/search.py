"""Who may do what at the addresses of web search, and what there is of Alice."""

from __future__ import annotations

import uuid
from typing import Any

from apps.accounts.models import User
from apps.search.models import Search
from apps.search.services import search_save
from apps.search.values import Findings, Page, Passage, Source, State
from tests.access.table import Row, own, personal, program, program_own

ROWS: tuple[Row, ...] = (
    personal("search:page", 200),
    personal("search:begin", 400, "post", query=""),
    own("search:search", 200),
    own("search:passage", 200),
    own("search:of", 200),
    own("search:delete", 302, "post"),
    program("search:api-searches", 200, scope="search"),
    program("search:api-searches", 400, "post", scope="search", query=""),
    program_own("search:api-search", 200, scope="search"),
    program_own("search:api-search", 204, "delete", scope="search"),
)


def things(alice: User) -> dict[str, Any]:
    """What Alice has here, by the names of the addresses' parameters."""
    passage = Passage(0, 12, "canary words")
    page = Page("https://canary.example/", "canary title", State.READ, "canary words")
    findings = Findings("canary query", "ddgs", [Source(1, page, "canary snippet", [passage])])
    answer = uuid.uuid4()
    search = search_save(user=alice, findings=findings, message_id=answer)
    return {"search_id": search.pk, "passage_id": passage.id, "searched_id": answer}


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    return [Search.objects.filter(owner__username="alice").values_list("pk", "query", "answer")]
