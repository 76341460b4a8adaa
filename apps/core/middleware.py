"""What every response carries: how long it took and what a page may not do."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.urls import ResolverMatch, resolve
from django.utils.http import escape_leading_slashes

from apps.core import metrics, pages, spans, tracing

PERMISSIONS = "camera=(), geolocation=(), payment=(), usb=(), microphone=(self), clipboard-write=(self)"
SECONDS = metrics.histogram("nitro_http_seconds", "Time from a request to its response, by route.", "route")
RESPONSES = metrics.counter("nitro_http_responses_total", "Responses by route and status.", "route", "status")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def every_response(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """The outermost middleware, plain and synchronous: the chain runs in one thread (see `nitro/handler.py`)."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        name = tracing.begin(request.headers.get(tracing.HEADER, ""))
        with spans.current("request", carrier(request), http__request__method=request.method or "") as span:
            response = get_response(request) if is_sound(request) else pages.answer(request, pages.BAD_REQUEST)
            span.set(http__route=route_of(request), http__response__status_code=response.status_code)
        seconds = time.perf_counter() - started
        response.headers[tracing.HEADER] = name
        response.headers["X-Response-Time"] = f"{seconds:.6f}"
        response.headers["Server-Timing"] = f"app;dur={seconds * 1000:.2f}"
        measure(request, response.status_code, seconds)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if response.headers.get("Content-Encoding") == "identity":  # a word to GZipMiddleware, and to nobody outside
            del response.headers["Content-Encoding"]
        return response

    return respond


class SentOn(HttpResponsePermanentRedirect):
    """The same request again, elsewhere: after 301 programs make a GET of a POST, and take a list for an answer."""

    status_code = 308


class Slashes(CommonMiddleware):
    """Sends addresses that lack their last slash on to those that have it, whatever is asked of them."""

    response_redirect_class = SentOn

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        """As Django's, which refuses this for a POST while it debugs, since 301 would lose the body."""
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))


def measure(request: HttpRequest, status: int, seconds: float) -> None:
    """Count the response under the name of its route: what a visitor types is no label."""
    count(route_of(request), status, seconds)


def route_of(request: HttpRequest) -> str:
    """The name of the route that a request took, "none" where there is none."""
    match = getattr(request, "resolver_match", None)
    return name_of(match) if match else "none"


@cache
def route_at(path: str) -> str:
    """The same for one of the few fixed addresses that are answered beside Django."""
    return name_of(resolve(path))


def name_of(match: ResolverMatch) -> str:
    return match.view_name or match.route


def carrier(request: HttpRequest) -> dict[str, str]:
    """What a caller says of the trace that its request belongs to."""
    parent = request.headers.get("traceparent", "")
    return {"traceparent": parent} if parent else {}


def count(route: str, status: int, seconds: float) -> None:
    """Count a response; those that are given beside Django, too."""
    SECONDS.observe(seconds, route)
    RESPONSES.add(1, route, str(status))


def is_sound(request: HttpRequest) -> bool:
    """Whether the address has no NUL, which no honest client sends and PostgreSQL refuses."""
    return "\0" not in request.path and "%00" not in request.META.get("QUERY_STRING", "")
