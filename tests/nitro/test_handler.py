"""Middleware and view share one trip to a thread; coroutine views run on the event loop; connections come back."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from nitro.handler import OneThreadHandler, page_threads


@login_not_required
def name_of_thread(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    return HttpResponse(threading.current_thread().name)


@login_not_required
async def name_of_loop(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(str(id(asyncio.get_running_loop())))


@login_not_required
async def numbers(request: HttpRequest) -> StreamingHttpResponse:
    async def stream() -> Any:
        for number in range(3):
            yield f"{number} "

    return StreamingHttpResponse(stream())


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("thread/", name_of_thread),
    path("loop/", name_of_loop),
    path("numbers/", numbers),
    path("broken/", broken),
]
handler500 = "apps.core.pages.server_error"


@pytest.fixture(autouse=True)
def _own_addresses(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


async def get(address: str) -> tuple[int, bytes, dict[bytes, bytes]]:
    scope = {"type": "http", "method": "GET", "path": address, "headers": [(b"host", b"localhost")]}
    untyped: Any = ApplicationCommunicator
    communicator = untyped(OneThreadHandler(), scope | {"query_string": b"", "http_version": "1.1"})
    await communicator.send_input({"type": "http.request"})
    start = await communicator.receive_output(timeout=10)
    body, more = b"", True
    while more:
        part = await communicator.receive_output(timeout=10)
        body, more = body + part.get("body", b""), part.get("more_body", False)
    await communicator.wait(timeout=10)
    return start["status"], body, dict(start["headers"])


@pytest.mark.django_db(transaction=True)
async def test_a_page_runs_in_one_of_the_threads_that_are_kept() -> None:
    status, body, headers = await get("/thread/")
    assert (status, body.startswith(b"page")) == (200, True)
    assert b"X-Response-Time" in headers


async def test_a_coroutine_view_runs_on_the_event_loop() -> None:
    assert (await get("/loop/"))[1] == str(id(asyncio.get_running_loop())).encode()


async def test_a_stream_comes_whole() -> None:
    assert (await get("/numbers/"))[1] == b"0 1 2 "


async def test_a_bug_is_a_500_and_an_unknown_address_a_404() -> None:
    assert (await get("/broken/"))[0] == 500
    assert (await get("/unknown/"))[0] == 404


@pytest.mark.django_db(transaction=True)
async def test_a_page_gives_its_connection_back() -> None:
    thread = (await get("/thread/"))[1]

    def left_open() -> tuple[bytes, bool]:
        return threading.current_thread().name.encode(), connection.connection is not None

    seen = {page_threads().submit(left_open).result() for _ in range(40)}
    assert not any(is_open for _, is_open in seen)
    assert thread
