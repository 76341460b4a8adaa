"""The chat's pages about who answers and how: the list of models, and the sheet with a chat's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from apps.accounts.pages import Visit
from apps.chat import conversation_services, selectors
from apps.chat.engine import engine
from apps.chat.forms import ChatSettingsForm
from apps.chat.models import Conversation
from apps.chat.views import told
from apps.core.errors import Invalid
from apps.llm.catalogue import Entry, catalogue
from apps.llm.router import default_options


@dataclass(frozen=True, slots=True)
class Server:
    """The models of one server, under its name."""

    name: str
    models: Sequence[Entry]


@require_GET
async def models(request: HttpRequest) -> HttpResponse:
    """All models there are, by server. Asks the servers where what is known is old: loaded when the list is opened."""
    entries = await catalogue()
    talking = [entry for entry in entries if "text" in entry.abilities]
    names = dict.fromkeys(entry.server for entry in talking)
    servers = [Server(name, [entry for entry in talking if entry.server == name]) for name in names]
    chosen = request.GET.get("chosen", "")
    context = {"servers": servers, "chosen": chosen, "default": engine(), "staff": request.user.is_staff}
    context["gone"] = engine(chosen) if chosen and chosen not in {entry.choice for entry in talking} else None
    return render(request, "chat/models.html", context)


@require_POST
@told
def model_choose(request: Visit, conversation_id: UUID | None = None) -> HttpResponse:
    """Let another model answer a chat; of a chat that has not begun, say only what that means."""
    choice = request.POST.get("choice", "")
    chosen = engine(choice)
    if chosen.missing:
        raise Invalid(chosen.sentence, code="model_missing")
    if conversation_id is not None:
        conversation_services.conversation_set_model(user=request.user, conversation_id=conversation_id, model=choice)
    return JsonResponse(chosen.as_json())


@require_http_methods(["GET", "POST"])
@told
def settings(request: Visit, conversation_id: UUID | None = None) -> HttpResponse:
    """The sheet with a chat's settings; what it sends is saved, or comes back with what is wrong with it.

    The settings of a chat that has not begun are only checked: the page keeps them until the chat begins.
    """
    chat = None
    if conversation_id is not None:
        chat = selectors.conversation_get(user=request.user, conversation_id=conversation_id)
    form = ChatSettingsForm(request.POST or None, initial=_initial(chat))
    if request.method == "POST" and form.is_valid():
        return _configured(request, form, chat)
    return render(request, "chat/settings.html", {"form": form, "conversation": chat})


def _initial(chat: Conversation | None) -> dict[str, object]:
    return {} if chat is None else {**chat.options, "system_prompt": chat.system_prompt}


def _configured(request: Visit, form: ChatSettingsForm, chat: Conversation | None) -> HttpResponse:
    prompt = conversation_services.sound_prompt(form.cleaned_data["system_prompt"])
    if chat is not None:
        conversation_services.conversation_configure(
            user=request.user, conversation_id=chat.id, options=form.options, system_prompt=prompt
        )
    told_page = {
        "options": form.options,
        "system_prompt": prompt,
        "max_tokens": form.options.get("max_tokens", default_options().max_tokens),
    }
    response = render(request, "chat/settings.html", {"form": form, "conversation": chat})
    return trigger_client_event(response, "nitro:configured", told_page)
