"""Live sessions: who has a chat, pictures or speech open, since when, in which process, and the closing of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import presence
from apps.accounts.models import User
from apps.accounts.presence import Live, Presence
from apps.core.memory import MemoryAway
from apps.core.models import AuditEntry
from apps.core.office import auditing
from apps.core.office.site import office

AWAY = "Redis does not answer, so nobody can say who is here. Chats go on without it."
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Row:
    """A live session with its person's name."""

    live: Live
    name: str


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """All of them, the newest first; the table alone where the page asks for it again."""
    try:
        found, away = presence.live(), ""
    except MemoryAway:
        found, away = Presence(0, 0, []), AWAY
    template = "office/sessions_part.html" if request.headers.get("HX-Request") else "office/sessions.html"
    return office().page(
        request,
        template,
        "Live sessions",
        rows=named(found.shown),
        found=found,
        places=settings.MAX_SESSIONS,
        away=away,
        may_close=request.user.has_perm("core.close_sessions"),
    )


def named(found: Iterable[Live]) -> list[Row]:
    """With their people's names, in one query."""
    places = list(found)
    people = User.objects.in_bulk({place.user_id for place in places})
    return [Row(place, people[place.user_id].get_username() if place.user_id in people else "?") for place in places]


@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Close one; its page says so and offers to go on."""
    holder, socket = (request.POST.get(name, "")[:LONGEST_NAME] for name in ("holder", "socket"))
    found = _of(holder, socket)
    if found is None:
        messages.warning(request, "That session is over already.")
        return redirect("admin:office-sessions")
    where = f"chat.conversation {found.conversation}" if found.conversation else found.kind or "a socket"
    target = f"session of user {found.user_id} in {where}"
    auditing.note(request, AuditEntry.Action.CLOSE, target, user=found.user_id, process=found.process)
    try:
        presence.close(holder=holder, socket=socket)
    except MemoryAway:
        messages.error(request, AWAY)
    else:
        messages.success(request, "The session is being closed. Its page offers to go on.")
    return redirect("admin:office-sessions")


def _of(holder: str, socket: str) -> Live | None:
    try:
        found = presence.live().shown
    except MemoryAway:
        return None
    return next((one for one in found if (one.holder, one.socket) == (holder, socket)), None)
