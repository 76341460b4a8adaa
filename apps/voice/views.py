"""The pages of speech, the fragments that htmx asks for, and the recordings themselves."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from apps.accounts.pages import Visit, telling
from apps.core import served
from apps.core.errors import Invalid, NitroError
from apps.voice import cards, selectors, services, uploads
from apps.voice.forms import TasteForm

told = telling(NitroError, place="#upload-problem")


@require_GET
@told
def page(request: Visit) -> HttpResponse:
    """Dictate, send a recording, see what was heard, and choose a voice."""
    rows = selectors.recording_list(user=request.user)[: selectors.LIST_LIMIT]
    taste = selectors.taste_get(user=request.user)
    context = {
        "cards": [cards.card(row) for row in rows],
        "form": TasteForm(taste=taste),
        "engine": cards.engine_line(),
    }
    return render(request, "voice/page.html", context)


@require_POST
@told
def upload(request: Visit) -> HttpResponse:
    """Keep a recording and write it down in the background; answers with its card."""
    file = request.FILES.get("file")
    if file is None:
        raise Invalid("Choose a recording first.", code="no_file")
    content = uploads.content_of(file)
    recording = services.recording_create(
        user=request.user,
        name=file.name or "",
        content=content,
        suffix=uploads.suffix_of(content),
        language=selectors.taste_get(user=request.user).language,
    )
    if not request.htmx:
        return redirect("voice:page")
    return render(request, "voice/card.html", {"card": cards.card(recording)})


@require_GET
@told
def recording(request: Visit, recording_id: UUID) -> HttpResponse:
    """A transcript with its sound; for htmx the card in the list."""
    row = selectors.recording_get(user=request.user, recording_id=recording_id)
    if request.htmx:
        return render(request, "voice/card.html", {"card": cards.card(row)})
    services.recording_opened(recording=row)
    heard = selectors.transcript_get(user=request.user, recording_id=recording_id)
    return render(request, "voice/recording.html", {"card": cards.card(row), "lines": cards.lines(heard)})


@require_safe
@told
def recording_audio(request: Visit, recording_id: UUID) -> HttpResponse:
    """The recording itself, for its owner alone."""
    row = selectors.recording_get(user=request.user, recording_id=recording_id)
    return served.file_response(request, row.file)


@require_POST
@told
def recording_keep(request: Visit, recording_id: UUID) -> HttpResponse:
    """Keep a recording, or leave it to the cleanup; answers with its card."""
    row = services.recording_keep(user=request.user, recording_id=recording_id, kept=request.POST.get("kept") == "1")
    if not request.htmx:
        return redirect("voice:recording", recording_id=recording_id)
    return render(request, "voice/card.html", {"card": cards.card(row)})


@require_POST
@told
def recording_delete(request: Visit, recording_id: UUID) -> HttpResponse:
    services.recording_delete(user=request.user, recording_id=recording_id)
    return HttpResponse() if request.htmx else redirect("voice:page")


@require_POST
@told
def taste(request: Visit) -> HttpResponse:
    """Choose a voice; answers with the form and what is wrong with it, or that it was saved."""
    form = TasteForm(request.POST, taste=selectors.taste_get(user=request.user))
    saved = form.is_valid()
    if saved:
        services.taste_set(user=request.user, **form.cleaned_data)
    if not request.htmx:
        return redirect("voice:page")
    return render(request, "voice/taste.html", {"form": form, "saved": saved})
