"""The page of the pictures, the fragments that htmx asks for, and the files themselves."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_htmx.http import trigger_client_event

from apps.accounts.access import access_by_key, bearer_secret
from apps.accounts.models import Scope, User
from apps.accounts.pages import Visit, telling
from apps.core import served
from apps.core.errors import NitroError, NotFound
from apps.images import cards, forms, names, selectors, services, sketches
from apps.images.models import ImageJob

told = telling(NitroError, place="#order-problem")


# --- the page ---------------------------------------------------------------------------------------------------------


@require_GET
@told
def page(request: Visit) -> HttpResponse:
    """The form, what is being drawn, and the gallery; for htmx a further part of the gallery alone."""
    wanted = forms.filters(request.GET)
    after = forms.place(request.GET.get("after", ""))
    shelf = cards.shelf(selectors.gallery(user=request.user, filters=wanted, after=after), wanted)
    if request.htmx:
        return render(request, "images/shelf.html", {"shelf": shelf, "first": after is None})
    jobs = selectors.jobs_active(user=request.user)
    context = {
        "form": forms.initial(request.GET),
        "engine": cards.engine_card(),
        "cards": cards.job_cards(jobs),
        "shelf": shelf,
        "engines": cards.engine_choices(user=request.user),
    }
    return render(request, "images/page.html", context)


@require_POST
@told
def order(request: Visit) -> HttpResponse:
    """Take an order from the form; answers with the card of its job, or with its pictures where there are some."""
    ordered = services.job_create(user=request.user, order=forms.order(request.POST))
    if not request.htmx:
        return redirect("images:page")
    return _card(request, ordered.job, cached=ordered.cached)


@require_GET
@told
def job(request: Visit, job_id: UUID) -> HttpResponse:
    """The card of a job as it is now; once it is done, its pictures."""
    return _card(request, selectors.job_get(user=request.user, job_id=job_id))


@require_GET
@told
def attached(request: Visit, message_id: UUID) -> HttpResponse:
    """The card of the job that a message of a chat shows; without script, its picture."""
    found = selectors.job_attached(user=request.user, message_id=message_id)
    card = cards.job_card(found)
    if not request.htmx:
        return redirect(card.tiles[0].page if card.tiles else "images:page")
    return render(request, "images/attached.html", {"card": card})


@require_POST
@told
def cancel(request: Visit, job_id: UUID) -> HttpResponse:
    return _card(request, services.job_cancel(user=request.user, job_id=job_id))


@require_POST
@told
def retry(request: Visit, job_id: UUID) -> HttpResponse:
    return _card(request, services.job_retry(user=request.user, job_id=job_id))


@require_POST
@told
def dismiss(request: Visit, job_id: UUID) -> HttpResponse:
    """Put away the card of a job that came to nothing."""
    services.job_delete(user=request.user, job_id=job_id)
    return HttpResponse() if request.htmx else redirect("images:page")


def _card(request: Visit, found: ImageJob, *, cached: bool = False) -> HttpResponse:
    if not request.htmx:
        return redirect("images:page")
    template = "images/attached.html" if found.attached_to else "images/job.html"
    return render(request, template, {"card": cards.job_card(found, cached=cached)})


@require_GET
@told
def preview(request: Visit, job_id: UUID) -> HttpResponse:
    """How a picture looks that is being drawn; 404 where there is nothing to see yet."""
    content = sketches.find(job_id=job_id, user_id=request.user.pk)
    kind = sketches.kind(content) if content else None
    if content is None or kind is None:
        raise Http404("There is no preview of this job.")
    headers = {"Cache-Control": "private, no-store", "Content-Security-Policy": served.POLICY}
    return HttpResponse(content, content_type=kind, headers=headers)


# --- pictures ---------------------------------------------------------------------------------------------------------


@require_GET
@told
def image(request: Visit, image_id: UUID) -> HttpResponse:
    """One picture with what made it: a page of its own, for those without script and for links."""
    found = selectors.image_get(user=request.user, image_id=image_id)
    return render(request, "images/image.html", {"tile": cards.tile(found)})


@require_POST
@told
def image_delete(request: Visit, image_id: UUID) -> HttpResponse:
    """Hide a picture and offer to undo it."""
    services.image_delete(user=request.user, image_id=image_id)
    if not request.htmx:
        return redirect(f"{reverse('images:page')}?removed={image_id}")
    response = render(request, "images/deleted.html", {"deleted": image_id})
    return trigger_client_event(response, "nitro:image-deleted", {"id": str(image_id)})


@require_POST
@told
def image_keep(request: Visit, image_id: UUID) -> HttpResponse:
    """Keep a picture, or leave it to the cleanup; answers with its tile."""
    kept = services.image_keep(user=request.user, image_id=image_id, kept=request.POST.get("kept") == "1")
    if not request.htmx:
        return redirect("images:image", image_id=image_id)
    return render(request, "images/tile.html", {"tile": cards.tile(kept)})


@require_POST
@told
def image_restore(request: Visit, image_id: UUID) -> HttpResponse:
    restored = services.image_restore(user=request.user, image_id=image_id)
    if not request.htmx:
        return redirect("images:page")
    return trigger_client_event(HttpResponse(), "nitro:image-restored", {"id": str(restored.pk)})


@login_not_required
@require_safe
def file(request: Visit, name: str) -> HttpResponse:
    """A picture or thumbnail, to its owner alone: a signed-in browser, or a program with a key for pictures."""
    secret = bearer_secret(request.headers.get("Authorization", ""))
    access = access_by_key(secret) if secret is not None else None
    user = access.user if access is not None else request.user
    if access is not None and (access.key_id is None or not access.allows(Scope.IMAGES)):
        return HttpResponse("This key opens no pictures.", status=403, content_type="text/plain")
    if not isinstance(user, User) or not user.is_active:
        return redirect_to_login(request.path)
    try:
        found, mark = selectors.image_by_name(user=user, name=name)
    except NotFound as error:
        raise Http404(error.message) from error
    download = f"nitro-{name[:8]}.{name.rpartition('.')[2]}" if "download" in request.GET else ""
    return served.file_response(request, names.stored(found), etag=mark, download_as=download)
