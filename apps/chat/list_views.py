"""The sidebar's search and pins."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from apps.accounts.pages import Visit
from apps.chat import conversation_services, search_selectors
from apps.chat.views import conversation_list, told

FOUND = 30


@require_GET
@told
def search(request: Visit) -> HttpResponse:
    """The chats that hold some words, or the usual list where none are asked for."""
    query = request.GET.get("q", "").strip()
    if not query:
        return conversation_list(request)
    found = search_selectors.conversation_search(user=request.user, query=query, limit=FOUND)
    return render(request, "chat/found.html", {"found": found, "query": query})


@require_POST
@told
def pin(request: Visit, conversation_id: UUID) -> HttpResponse:
    """Keep a chat at the top of the list, or let it go."""
    pinned = request.POST.get("pinned") == "1"
    conversation_services.conversation_pin(user=request.user, conversation_id=conversation_id, pinned=pinned)
    if not request.htmx:
        return redirect(reverse("chat:conversation", args=[conversation_id]))
    return trigger_client_event(HttpResponse(), "nitro:listed", {"id": str(conversation_id)})
