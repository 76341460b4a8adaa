"""Providers: how their servers do, who waits for them, and the stopping of new questions to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.core.models import AuditEntry
from apps.core.office import auditing
from apps.core.office.site import office
from apps.llm import board, diagnosis, selectors, services
from apps.llm.board import Crowd
from apps.llm.configuration import configured
from apps.llm.farm import Condition
from apps.llm.models import Drain
from apps.llm.services import REASON_LIMIT

SHORTEST = 5


@dataclass(frozen=True, slots=True)
class Server:
    """One server as the processes find it, the worst of what they say."""

    number: int
    state: str
    failures: int
    wait: float
    last_failure: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One provider with its servers, its line and, where it rests, since when and why.

    `unasked`: nobody has configured it; it is only tried because it might be there.
    """

    name: str
    servers: list[Server]
    crowd: Crowd | None
    drain: Drain | None
    unasked: bool = False

    @property
    def state(self) -> str:
        """In a word, for people."""
        if self.drain is not None:
            return "resting"
        if not self.servers:
            return "not asked yet"
        well = sum(server.state == "closed" for server in self.servers)
        if not well:
            return "not here" if self.unasked else "away"
        return "well" if well == len(self.servers) else "partly away"

    @property
    def colour(self) -> str:
        return {"well": "good", "not asked yet": "", "not here": "", "away": "bad"}.get(self.state, "wait")


class DrainForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in settings.KINDS])
    reason = forms.CharField(min_length=SHORTEST, max_length=REASON_LIMIT, strip=True)


def kinds() -> list[Kind]:
    """All that are configured or in use. Reads what the processes have noted; asks no server."""
    found = configured()
    seen = board.read(found.redis_url)
    drained = {row.kind: row for row in selectors.drains()}
    named = {one.kind for one in seen} | set(drained) | ({found.ai_model, *found.ai_fallback} - {"auto"})
    return [
        Kind(
            kind,
            servers(kind, seen),
            board.crowd(found.redis_url, kind),
            drained.get(kind),
            diagnosis.is_unasked(kind, found),
        )
        for kind in settings.KINDS
        if kind in named
    ]


def servers(kind: str, seen: Iterable[Condition]) -> list[Server]:
    """The servers of a kind; where processes find one differently, the worst counts."""
    worst: dict[int, Condition] = {}
    for one in seen:
        if one.kind == kind and (one.number not in worst or _badness(one) > _badness(worst[one.number])):
            worst[one.number] = one
    return [Server(one.number, one.state, one.failures, one.wait, one.last_failure) for _, one in sorted(worst.items())]


def _badness(one: Condition) -> tuple[bool, int, float]:
    return one.state != "closed", one.failures, one.wait


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    may_drain = request.user.has_perm("core.drain_providers")
    return office().page(request, "office/providers.html", "Providers", kinds=kinds(), may_drain=may_drain)


@require_POST
def drain(request: HttpRequest) -> HttpResponse:
    """Let a provider take no new questions."""
    form = DrainForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Say why in {SHORTEST} to {REASON_LIMIT} letters: it is what people are told.")
        return redirect("admin:office-providers")
    kind, reason = form.cleaned_data["kind"], form.cleaned_data["reason"]
    auditing.note(request, AuditEntry.Action.DRAIN, f"provider {kind}", reason=reason)
    services.provider_drain(kind=kind, reason=reason, by=request.user.get_username())
    messages.success(request, f"{kind} takes no new questions from now on; what it is writing, it ends.")
    return redirect("admin:office-providers")


@require_POST
def undrain(request: HttpRequest) -> HttpResponse:
    """Let a provider on again."""
    kind = request.POST.get("kind", "")
    if kind not in settings.KINDS:
        messages.error(request, "There is no such provider.")
        return redirect("admin:office-providers")
    auditing.note(request, AuditEntry.Action.UNDRAIN, f"provider {kind}")
    if services.provider_undrain(kind=kind):
        messages.success(request, f"{kind} takes questions again.")
    return redirect("admin:office-providers")
