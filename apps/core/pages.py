"""What a visitor sees when something goes wrong: a page for people, JSON for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist, loader

PROGRAM_PATHS = ("/api/", "/v1/")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of failure, said in one sentence and with a way out."""

    status: int
    code: str
    message: str
    hint: str


BAD_REQUEST = Trouble(400, "invalid", "This request cannot be understood.", "Go back, reload the page and try again.")
FORBIDDEN = Trouble(403, "not_allowed", "You may not do this.", "Sign in as somebody who may, or ask an administrator.")
EXPIRED_FORM = Trouble(403, "csrf", "This form is no longer valid.", "Reload the page and send it once more.")
NOT_FOUND = Trouble(404, "not_found", "There is nothing here.", "It may have been deleted, or the address is mistyped.")
TOO_LARGE = Trouble(413, "too_large", "This is more than Nitro takes at once.", "Send less, or in several parts.")
BROKEN = Trouble(500, "error", "Something in Nitro broke.", "The log says more. Trying again may help.")


def answer(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    """The trouble as a page, or as JSON where a program asks."""
    if request.path.startswith("/v1/"):
        error = {"message": trouble.message, "type": trouble.code, "param": None, "code": trouble.code}
        return JsonResponse({"error": error}, status=trouble.status)
    if request.path.startswith("/api/") or not request.accepts("text/html"):
        fields = asdict(trouble)
        return JsonResponse({**fields, "details": {}} | {"status": trouble.status}, status=trouble.status)
    return HttpResponse(page(request, trouble), status=trouble.status)


def page(request: HttpRequest, trouble: Trouble) -> str:
    """The page of this trouble; its sentence alone where even the template is out of reach."""
    try:
        return loader.render_to_string(f"{trouble.status}.html", {"trouble": trouble}, request)
    except TemplateDoesNotExist:
        return f"{trouble.message} {trouble.hint}"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, TOO_LARGE if isinstance(exception, RequestDataTooBig) else BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, EXPIRED_FORM)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, BROKEN)
