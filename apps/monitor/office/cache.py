"""Remembered answers: how many and whose, how often they helped, and the forgetting of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.chat import remembered
from apps.chat.remembered import Remembered
from apps.chat.replies import SHARED
from apps.core.memory import MemoryAway
from apps.core.models import AuditEntry
from apps.core.office import auditing
from apps.core.office.site import office
from apps.monitor import readings
from apps.monitor.readings import Reading

AWAY = "Redis does not answer, so no answers are remembered right now."
MOST = 200
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Row:
    """What one person's remembered answers take."""

    user_id: int
    name: str
    answers: int
    size: int


@dataclass(frozen=True, slots=True)
class Use:
    """How often questions were answered from memory, since counting began."""

    hits: int
    misses: int
    joined: int
    saved_seconds: int

    @property
    def rate(self) -> int | None:
        """In percent; None where nobody has asked yet."""
        asked = self.hits + self.misses
        return round(100 * self.hits / asked) if asked else None


def use(reading: Reading) -> Use:
    hits, misses, joined = (int(reading.count("nitro_reply_cache_total", end)) for end in ("hit", "miss", "joined"))
    return Use(hits, misses, joined, int(reading.count("nitro_reply_cache_saved_seconds_total")))


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    try:
        found, away = remembered.look(), ""
    except MemoryAway:
        found, away = Remembered(), AWAY
    return office().page(
        request,
        "office/cache.html",
        "Remembered answers",
        found=found,
        rows=rows(found),
        use=use(readings.reading()),
        seconds=settings.CACHE_TTL,
        away=away,
        may_clear=request.user.has_perm("core.clear_cache"),
    )


def rows(found: Remembered) -> list[Row]:
    """By person, whoever has most first."""
    biggest = sorted(found.by_user.items(), key=lambda item: item[1].size, reverse=True)[:MOST]
    people = User.objects.in_bulk([number for number, _ in biggest])
    return [Row(number, _name(number, people), shelf.answers, shelf.size) for number, shelf in biggest]


def _name(number: int, people: dict[int, User]) -> str:
    if number == SHARED:
        return "shared by everybody"
    return people[number].get_username() if number in people else f"user {number}, who is gone"


@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Forget one person's answers, or all of them."""
    whose = request.POST.get("user", "")
    if whose != EVERYBODY and not (whose.isdecimal() and len(whose) < 19):
        messages.error(request, "Say whose answers to forget: a user's number, or everybody.")
        return redirect("admin:office-cache")
    auditing.note(request, AuditEntry.Action.CLEAR, f"remembered answers of {whose}")
    try:
        gone = remembered.clear() if whose == EVERYBODY else remembered.clear_of(int(whose))
    except MemoryAway:
        messages.error(request, AWAY)
    else:
        messages.success(request, f"Forgotten: {gone} answer{'s' * (gone != 1)}.")
    return redirect("admin:office-cache")
