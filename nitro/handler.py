"""How an HTTP request gets its answer: one trip to a thread for middleware and view together.

Django's own ASGI handler asks every middleware asynchronously. Those that come with Django are synchronous inside, so
that each costs two changes of thread. Here the whole chain runs synchronously, in one of a few threads that are kept;
coroutine views come back to the event loop from there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve


@cache
def page_threads() -> ThreadPoolExecutor:
    """The threads of synchronous pages: as many as may have a database connection."""
    return ThreadPoolExecutor(max_workers=settings.DB_POOL_MAX, thread_name_prefix="page")


class OneThreadHandler(ASGIHandler):
    """Django's ASGI handler with a synchronous chain of middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """A view that may take as long as an answer does gets a thread of its own to be waited for in."""
        if may_wait(request.path_info):
            return await sync_to_async(self.respond, thread_sensitive=True)(request)
        return await sync_to_async(self.respond, thread_sensitive=False, executor=page_threads())(request)

    def respond(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            connections.close_all()  # back to the pool before the first byte goes out, streams included

    def make_view_atomic(self, view: Any) -> Any:
        """Give the connection that the session was read with back before waiting for a coroutine view."""
        if not iscoroutinefunction(view):
            return super().make_view_atomic(view)

        def wait_for(*args: Any, **kwargs: Any) -> HttpResponseBase:
            connections.close_all()
            response: HttpResponseBase = async_to_sync(view)(*args, **kwargs)
            return response

        return wait_for


def may_wait(path: str) -> bool:
    """Whether the view is a coroutine, or one of the API's that says that it `waits`."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return iscoroutinefunction(view) or getattr(getattr(view, "cls", None), "waits", False)
