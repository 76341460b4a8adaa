"""Behind TLS the doors behave as without it, and speak HTTP/2 with whoever can."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from websockets.sync.client import connect

from nitro.certificate import Certificate, own_certificate
from nitro.process import wait_until
from tests.nitro.web_process import Web, web_process

MB = 1024 * 1024
LIMIT = 8 * MB  # as in door.py


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return own_certificate(tmp_path_factory.mktemp("tls"), [])


@pytest.fixture(scope="module")
def web(pair: Certificate) -> Iterator[Web]:
    with web_process(stall=2.0, tls=(pair.certificate, pair.key)) as process:
        yield process


def client(web: Web, pair: Certificate, *, http2: bool) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(pair.certificate))
    return httpx.Client(base_url=f"https://localhost:{web.port}", verify=context, http2=http2, timeout=30)


@pytest.mark.parametrize(("http2", "version"), [(True, "HTTP/2"), (False, "HTTP/1.1")])
def test_a_client_gets_the_version_it_can(web: Web, pair: Certificate, http2: bool, version: str) -> None:
    with client(web, pair, http2=http2) as browser:
        answer = browser.post("/", content=b"hello")
    assert (answer.http_version, answer.text) == (version, "5")


@pytest.mark.parametrize("http2", [True, False])
@pytest.mark.parametrize("size", [0, 1, 65_536, LIMIT])
def test_a_body_arrives_whole(web: Web, pair: Certificate, http2: bool, size: int) -> None:
    with client(web, pair, http2=http2) as browser:
        assert browser.post("/", content=b"x" * size).text == str(size)


def test_a_body_over_the_limit_is_refused_and_the_connection_goes_on(web: Web, pair: Certificate) -> None:
    with client(web, pair, http2=True) as browser:
        refused = browser.post("/api/chat/", content=b"x" * (LIMIT + 1))
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert {"x-response-time", "server-timing"} <= refused.headers.keys()
        assert browser.post("/", content=b"hello").text == "5"


def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(web: Web, pair: Certificate) -> None:
    with client(web, pair, http2=True) as browser:
        assert browser.post("/", content=iter([b"x" * MB] * 9)).status_code == 413


def test_many_requests_share_a_connection(web: Web, pair: Certificate) -> None:
    with client(web, pair, http2=True) as browser:
        assert {browser.post("/", content=b"x" * n).text for n in range(20)} == {str(n) for n in range(20)}


@pytest.mark.slow
def test_a_long_answer_comes_whole(web: Web, pair: Certificate) -> None:
    with client(web, pair, http2=True) as browser, browser.stream("GET", "/pour") as answer:
        assert sum(len(piece) for piece in answer.iter_bytes()) == 3200 * 65_536 + 1


def test_a_crash_of_the_application_is_told(web: Web, pair: Certificate) -> None:
    with client(web, pair, http2=True) as browser:
        assert browser.get("/crash").status_code == 500


def test_sockets_work_through_tls(web: Web, pair: Certificate) -> None:
    context = ssl.create_default_context(cafile=str(pair.certificate))
    with connect(f"wss://localhost:{web.port}/echo", ssl=context) as talk:
        talk.send(json.dumps({"said": "x" * 5000}))
        assert json.loads(talk.recv(timeout=10)) == {"said": "x" * 5000}


def test_without_tls_nothing_is_told(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200" not in b"".join(iter(lambda: wire.recv(4096), b""))


@pytest.mark.parametrize("path", ["/pour", "/echo"])
def test_a_greedy_reader_who_sleeps_costs_little_and_is_let_go(pair: Certificate, path: str) -> None:
    """It allows the server a gigabyte, asks for 200 MB, and reads none of it."""
    with web_process(stall=1.0, tls=(pair.certificate, pair.key)) as web:
        before = web.peak_megabytes()
        with sleeping_stream(web, path):
            assert wait_until(lambda: not still_sending(web), 30)
            assert web.peak_megabytes() - before < 24
        with client(web, pair, http2=True) as browser:
            assert browser.post("/", content=b"hello").text == "5"


def still_sending(web: Web) -> bool:
    """Whether the process is still busy with the stream: it uses the processor."""
    import psutil

    return psutil.Process(web.child.pid).cpu_percent(0.5) > 10


def sleeping_stream(web: Web, path: str) -> Any:
    """An HTTP/2 connection that has asked, with the largest window there is, and never reads."""
    context = ssl._create_unverified_context()  # noqa: S323
    context.set_alpn_protocols(["h2"])
    wire = context.wrap_socket(socket.create_connection(("127.0.0.1", web.port), timeout=10))
    line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    line.initiate_connection()
    line.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
    line.increment_flow_control_window(2**30)
    line.send_headers(
        1, [(":method", "GET"), (":path", path), (":authority", "localhost"), (":scheme", "https")], end_stream=True
    )
    wire.sendall(line.data_to_send())
    return wire
