"""The pages of web search: the room, one search, and the passages that marks open."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import limits
from apps.accounts.pages import Visit, telling
from apps.core.addresses import request_address
from apps.core.database import in_database
from apps.core.errors import Busy, NotFound
from apps.llm.errors import ProviderError
from apps.llm.router import router
from apps.search import selectors, services
from apps.search.answering import nothing
from apps.search.cards import quotation, search_card
from apps.search.finding import Wanted, find
from apps.search.models import ENGINES
from apps.search.registry import chain

WEAK = "builtin"
told = telling(NotFound)


@require_GET
def page(request: Visit) -> HttpResponse:
    """The room: where one asks, and what one has asked."""
    return room(request)


def room(request: Visit, *, query: str = "", problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "searches": selectors.search_list(user=request.user),
        "engines": [ENGINES.get(kind, kind) for kind in chain().kinds],
        "query": query,
        "problem": problem,
        "weak": is_weak(),
    }
    return render(request, "search/page.html", context, status=status)


@require_POST
async def search_begin(request: Visit) -> HttpResponse:
    """Find pages without asking a model; the page's script asks in a chat instead where an answer is wanted."""
    query = request.POST.get("query", "").replace("\x00", "").strip()
    if not query or len(query) > services.QUERY_LIMIT:
        problem = f"A question has between 1 and {services.QUERY_LIMIT:,} letters."
        return await in_database(room, request, query=query, problem=problem, status=400)
    try:
        await in_database(limits.question_admit, user_id=request.user.pk, address=request_address(request))
    except Busy as error:
        return await in_database(
            room, request, query=query, problem=f"{error.message} {error.hint}", status=error.status
        )
    findings = await find(user=request.user, wanted=Wanted(query), tell=nothing)
    search = await in_database(services.search_save, user=request.user, findings=findings)
    return redirect("search:search", search.id)


@require_GET
@told
def search(request: Visit, search_id: UUID) -> HttpResponse:
    """One search: its pages, read or not, with all passages, and the answer where no chat has it."""
    found = selectors.search_get(user=request.user, search_id=search_id)
    return render(request, "search/search.html", {"card": search_card(found)})


@require_POST
@told
def search_delete(request: Visit, search_id: UUID) -> HttpResponse:
    services.search_delete(user=request.user, search_id=search_id)
    messages.success(request, "The search is forgotten.")
    return redirect("search:page")


@require_GET
@told
def passage(request: Visit, passage_id: UUID) -> HttpResponse:
    """A quoted passage in its surroundings: a page, or for the page's script what goes into its dialog."""
    found = quotation(selectors.passage_get(user=request.user, passage_id=passage_id))
    template = "search/passage.html" if request.htmx else "search/passage_page.html"
    return render(request, template, {"quotation": found})


@require_GET
@told
def of_message(request: Visit, searched_id: UUID) -> HttpResponse:
    """What was read for an answer of a chat, for the place above it."""
    found = selectors.searches_of_messages(user=request.user, message_ids=[searched_id]).get(searched_id)
    if found is None:
        raise NotFound("Nothing was searched for this answer.")
    return render(request, "search/strip.html", {"search": search_card(found), "weak": is_weak()})


def is_weak() -> bool:
    """Whether the model that answers by default is one whose answers are better read beside their passages."""
    try:
        return router().resolve().provider == WEAK
    except ProviderError:
        return False
