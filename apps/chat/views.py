"""The chat's pages and the fragments that htmx and the page's script ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from urllib.parse import unquote
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from apps.accounts import limits
from apps.accounts.pages import Visit, telling
from apps.chat import cards, conversation_services, selectors
from apps.chat.engine import Engine, engine
from apps.chat.models import Conversation, Message
from apps.chat.prompts import without_citations
from apps.core.errors import Invalid
from apps.llm.router import default_options
from apps.search.selectors import searches_of_messages

ZONE_COOKIE = "nitro-zone"
told = telling(Invalid)


@require_GET
@told
def new_chat(request: Visit) -> HttpResponse:
    """The empty page; after a deletion also the way to undo it."""
    deleted = _uuid(request.GET.get("deleted", ""))
    return _page(request, {"deleted": deleted})


@require_GET
@told
def conversation(request: Visit, conversation_id: UUID) -> HttpResponse:
    """A chat: the whole page, or for htmx the messages above the one named by `before`; `at` is one that was found."""
    before, at = _uuid(request.GET.get("before", "")), _uuid(request.GET.get("at", ""))
    if at is None:
        thread = selectors.thread_get(user=request.user, conversation_id=conversation_id, before=before)
    else:
        thread = selectors.thread_at(user=request.user, conversation_id=conversation_id, message_id=at)
    if request.htmx:
        return render(request, "chat/messages.html", _messages(request, thread))
    return _page(request, _messages(request, thread), thread.conversation)


@require_GET
@told
def conversation_list(request: Visit) -> HttpResponse:
    """A page of the sidebar's list; `after` names the heading the page before ended with."""
    before = _moment(request.GET.get("before", ""))
    current = _uuid(request.GET.get("current", ""))
    context = {"chats": _chats(request, before=before, current=current), "after": request.GET.get("after", "")}
    return render(request, "chat/chats.html", context)


@require_POST
@told
def conversation_rename(request: Visit, conversation_id: UUID) -> HttpResponse:
    title = request.POST.get("title", "")
    renamed = conversation_services.conversation_rename(user=request.user, conversation_id=conversation_id, title=title)
    current = _uuid(request.POST.get("current", ""))
    response = render(request, "chat/chat_item.html", {"item": renamed, "current": current})
    return trigger_client_event(response, "nitro:renamed", {"id": str(conversation_id), "title": renamed.title})


@require_POST
@told
def conversation_delete(request: Visit, conversation_id: UUID) -> HttpResponse:
    """Hide a chat and offer to undo it: in a toast, or on the empty page when the chat itself was open."""
    conversation_services.conversation_delete(user=request.user, conversation_id=conversation_id)
    elsewhere = f"{reverse('chat:new')}?deleted={conversation_id}"
    if not request.htmx:
        return redirect(elsewhere)
    if request.htmx.current_url_abs_path == reverse("chat:conversation", args=[conversation_id]):
        return HttpResponseClientRedirect(elsewhere)
    return render(request, "chat/deleted.html", {"deleted": conversation_id, "remove": True})


@require_POST
@told
def conversation_restore(request: Visit, conversation_id: UUID) -> HttpResponse:
    """Bring a deleted chat back; where it had been open, a plain form opens it again."""
    conversation_services.conversation_restore(user=request.user, conversation_id=conversation_id)
    if not request.htmx:
        return redirect("chat:conversation", conversation_id)
    return trigger_client_event(HttpResponse(), "nitro:restored", {"id": str(conversation_id)})


@require_POST
@told
def version_select(request: Visit, conversation_id: UUID) -> HttpResponse:
    """Show the path through another version of a message."""
    chosen = _uuid(request.POST.get("message", ""))
    if chosen is None:
        raise Invalid("'message' must name a message.")
    conversation_services.version_select(user=request.user, conversation_id=conversation_id, message_id=chosen)
    if not request.htmx:
        return redirect(f"{reverse('chat:conversation', args=[conversation_id])}#m-{chosen}")
    thread = selectors.thread_get(user=request.user, conversation_id=conversation_id)
    return render(request, "chat/messages.html", _messages(request, thread))


@require_GET
@told
def message(request: Visit, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """One message as it looks in the page."""
    shown = selectors.shown_get(user=request.user, conversation_id=conversation_id, message_id=message_id)
    chat = shown.message.conversation
    return render(request, "chat/message.html", {"conversation": chat, "card": _cards(request, [shown])[0]})


@require_GET
@told
def message_text(request: Visit, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """A message as it was written, for copying."""
    row = selectors.message_get(user=request.user, conversation_id=conversation_id, message_id=message_id)
    return HttpResponse(without_citations(row.text), content_type="text/plain; charset=utf-8")


@login_not_required
@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What one sees while Nitro cannot be reached."""
    return render(request, "offline.html")


def _page(request: Visit, context: dict[str, object], shown: Conversation | None = None) -> HttpResponse:
    chats = _chats(request, current=shown.id if shown else None)
    settled = {"engine": _engine(shown, chats), "max_tokens": _max_tokens(shown)}
    quota = limits.quota_notice(user_id=request.user.pk)
    return render(request, "chat/page.html", {**context, **settled, "chats": chats, "quota": quota})


def _engine(shown: Conversation | None, chats: cards.ChatList) -> Engine:
    """Who answers here. A new chat goes on with the model of the one before, as long as that is there."""
    if shown is not None:
        return engine(shown.model)
    last = engine(chats.newest.model if chats.newest else "")
    return engine() if last.missing else last


def _max_tokens(shown: Conversation | None) -> int:
    own = shown.options if shown is not None else {}
    return int(own.get("max_tokens", default_options().max_tokens))


def _messages(request: Visit, thread: selectors.Thread) -> dict[str, object]:
    shown = _cards(request, thread.shown)
    return {"conversation": thread.conversation, "cards": shown, "earlier": thread.earlier}


def _cards(request: Visit, shown: Sequence[selectors.Shown]) -> list[cards.Card]:
    """Messages, answers with what was read for them."""
    answers = [item.message.id for item in shown if item.message.role == Message.Role.ASSISTANT]
    searches = searches_of_messages(user=request.user, message_ids=answers) if answers else {}
    return [cards.card(item, searches.get(item.message.id)) for item in shown]


def _chats(request: Visit, *, before: datetime | None = None, current: UUID | None = None) -> cards.ChatList:
    rows = selectors.conversation_list(user=request.user, before=before, limit=cards.LIST_LIMIT)
    pinned = selectors.conversations_pinned(user=request.user) if before is None else ()
    return cards.chat_list(rows, pinned=pinned, now=timezone.now(), zone=_zone(request), current=current)


def _zone(request: HttpRequest) -> tzinfo:
    """The reader's time zone, which the page's script leaves in a cookie; the server's own where there is none."""
    try:
        return ZoneInfo(unquote(request.COOKIES[ZONE_COOKIE]))
    except (KeyError, ValueError, OSError):  # ZoneInfo raises KeyError for unknown names and OSError for odd ones
        return timezone.get_default_timezone()


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _moment(value: str) -> datetime | None:
    try:
        moment = parse_datetime(value)
    except ValueError:
        return None
    return timezone.make_aware(moment) if moment and timezone.is_naive(moment) else moment
