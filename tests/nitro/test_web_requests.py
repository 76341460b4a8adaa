"""The HTTP door: bodies are limited while they arrive, and a reader who sleeps costs little."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from nitro.process import wait_until
from tests.nitro.web_process import Web, web_process

MB = 1024 * 1024
LIMIT = 8 * MB  # as in door.py


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with web_process(stall=2.0) as process:
        yield process


def post(web: Web, body: bytes, path: str = "/", **headers: str) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    result = answer.status, answer.read(), answer.headers.get_content_type()
    connection.close()
    return result


def test_a_body_within_the_limit_arrives_whole(web: Web) -> None:
    assert post(web, b"x" * LIMIT)[:2] == (200, str(LIMIT).encode())


def test_an_empty_body_arrives(web: Web) -> None:
    assert post(web, b"")[:2] == (200, b"0")


def test_every_status_has_its_word(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as wire:
        wire.sendall(b"GET /busy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072])
def test_a_body_arrives_whole_at_the_edges_of_a_piece(web: Web, size: int) -> None:
    assert post(web, b"x" * size)[:2] == (200, str(size).encode())


def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as wire:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n"
        wire.sendall(head.encode())
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    assert b"8 MB" in answer


def test_the_refusal_reaches_a_sender_who_does_not_stop_talking(web: Web) -> None:
    status, body, kind = post(web, b"x" * (4 * LIMIT), "/api/chat/")
    assert (status, kind) == (413, "application/json")
    assert json.loads(body)["code"] == "too_large"


def test_the_openai_wire_gets_its_own_shape_of_error(web: Web) -> None:
    _, body, _ = post(web, b"x" * (LIMIT + 1), "/v1/chat/completions")
    assert json.loads(body)["error"]["code"] == "too_large"


def test_a_body_without_announced_length_is_counted_as_it_comes(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    pieces = (b"x" * MB for _ in range(LIMIT // MB + 2))
    connection.request("POST", "/", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 413
    connection.close()


def test_bodies_over_the_limit_cost_no_memory() -> None:
    with web_process() as web:
        before = web.peak_megabytes()
        for _ in range(3):
            post(web, b"x" * (8 * LIMIT))
        assert web.peak_megabytes() - before < 2 * LIMIT / MB


@pytest.mark.parametrize(("path", "size"), [("/", LIMIT + 1), ("/crash", 0)])
def test_what_the_door_answers_by_itself_says_how_long_it_took_too(web: Web, path: str, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("POST", path, b"x" * size)
    headers = connection.getresponse().headers
    connection.close()
    assert 0 <= float(headers["X-Response-Time"]) < 20
    assert headers["Server-Timing"].startswith("app;dur=")


def test_a_form_is_left_to_the_application(web: Web) -> None:
    body = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"x" * MB + b"\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert post(web, body, **kind)[:2] == (200, str(len(body)).encode())


def test_one_connection_serves_several_requests(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    for size in (3, 0, 200_000):
        connection.request("POST", "/", b"x" * size)
        assert connection.getresponse().read() == str(size).encode()
    connection.close()


def test_a_crash_of_the_application_is_a_500_that_tells_nothing(web: Web) -> None:
    status, body, _ = post(web, b"", "/crash")
    assert status == 500
    assert b"on purpose" not in body
    assert b"aphne" not in body


def test_the_server_names_itself_nitro(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().headers["Server"] == "nitro"
    connection.close()


async def test_a_page_reader_who_sleeps_costs_little_and_is_cut() -> None:
    with web_process(stall=2.0) as web:
        before = web.peak_megabytes()
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port, limit=1024)
        writer.write(b"GET /pour HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(1)
        assert web.peak_megabytes() - before < 4
        assert await asyncio.to_thread(wait_until, lambda: not connections(web), 20)
        writer.close()
        del reader


def connections(web: Web) -> list[object]:
    import psutil

    return [c for c in psutil.Process(web.child.pid).net_connections("tcp") if c.status == "ESTABLISHED"]
