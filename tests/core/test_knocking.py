"""A knock at an address of the settings: an answer is an answer, whatever it says."""

from __future__ import annotations

import socket
import threading

import pytest

from apps.core.outside.knocking import knock
from tests.core.knocked import knocked

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize(("status", "refuses"), [(200, False), (404, False), (500, False), (401, True), (403, True)])
def test_whoever_answers_is_there(status: int, refuses: bool) -> None:
    with knocked(status) as server:
        found = knock(f"{server.url}/models", {"Authorization": "Bearer x"})
        assert server.seen == [("/models", "Bearer x")]
    assert (found.status, found.problem, found.is_refusal) == (status, "", refuses)


def test_nobody_is_led_to_another_host() -> None:
    with knocked() as elsewhere, knocked(302, elsewhere.url) as server:
        assert knock(server.url, {"Authorization": "Bearer x"}).status == 302
        assert elsewhere.seen == []


def test_where_nobody_is_the_reason_is_told() -> None:
    found = knock(NOBODY)
    assert (found.status, found.problem, found.is_refusal) == (0, "Connection refused", False)


def test_something_that_is_no_web_server_is_a_problem_and_no_crash() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble, args=[server])
        thread.start()
        found = knock(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert (found.status, bool(found.problem)) == (0, True)


def babble(server: socket.socket) -> None:
    line, _ = server.accept()
    with line:
        line.recv(1000)
        line.sendall(b"220 mail.example ready\r\n")
