"""What somebody gets when something goes wrong outside of a view: a page for people, JSON for programs."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template import loader

from apps.core.failures import Failure, is_for_programs

PAGE = "failure.html"
BAD_REQUEST = Failure(400, "invalid", "This request cannot be understood.", "Go back, reload the page and try again.")
FORBIDDEN = Failure(403, "not_allowed", "You may not do this.", "Sign in as somebody who may, or ask an administrator.")
EXPIRED_FORM = Failure(403, "csrf", "This form is no longer valid.", "Reload the page and send it once more.")
NOT_FOUND = Failure(404, "not_found", "There is nothing here.", "It may have been deleted, or the address is mistyped.")
TOO_LARGE = Failure(413, "too_large", "This is more than Nitro takes at once.", "Send less, or send it in parts.")
BROKEN = Failure(500, "error", "Something in Nitro broke.", "Try again; the log of the server says more.")


def answer(request: HttpRequest, failure: Failure) -> HttpResponse:
    """The failure as a page, or as JSON where a program asks."""
    if is_for_programs(request.path) or not request.accepts("text/html"):
        return failure.response(request)
    page = loader.render_to_string(PAGE, {"failure": failure}, request)
    return HttpResponse(page, status=failure.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, TOO_LARGE if isinstance(exception, RequestDataTooBig) else BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, EXPIRED_FORM)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Nothing that may be broken itself: neither the database (the user in the page's head) nor a context."""
    if is_for_programs(request.path) or not request.accepts("text/html"):
        return BROKEN.response(request)
    return HttpResponse(loader.render_to_string(PAGE, {"failure": BROKEN}), status=500)
