"""What every response carries: how long it took and what a page may not do."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import pages

PERMISSIONS = "camera=(), geolocation=(), payment=(), usb=(), microphone=(self), clipboard-write=(self)"
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def every_response(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """The outermost middleware, plain and synchronous: the chain runs in one thread (see `nitro/handler.py`)."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request) if is_sound(request) else pages.answer(request, pages.BAD_REQUEST)
        seconds = time.perf_counter() - started
        response.headers["X-Response-Time"] = f"{seconds:.6f}"
        response.headers["Server-Timing"] = f"app;dur={seconds * 1000:.2f}"
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if response.headers.get("Content-Encoding") == "identity":  # a word to GZipMiddleware, and to nobody outside
            del response.headers["Content-Encoding"]
        return response

    return respond


def is_sound(request: HttpRequest) -> bool:
    """Whether the address has no NUL, which no honest client sends and PostgreSQL refuses."""
    return "\0" not in request.path and "%00" not in request.META.get("QUERY_STRING", "")
