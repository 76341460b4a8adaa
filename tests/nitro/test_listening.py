"""The listening socket: one sentence where it cannot be opened."""

from __future__ import annotations

import socket

import pytest

from nitro.embedded.errors import ServiceError
from nitro.listening import SEND_BUFFER, listen, unnamed


def test_a_port_in_use_is_said_in_one_sentence_with_a_way_out() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"^Port {port} is in use .*--port {port + 1}`\.$"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_said_in_one_sentence() -> None:
    with pytest.raises(ServiceError, match=r"cannot listen on 192\.0\.2\.1:8000"):
        listen("192.0.2.1", 8000)


def test_connections_inherit_a_small_send_buffer() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER


@pytest.mark.parametrize(
    ("host", "allowed", "warned"),
    [
        ("0.0.0.0", ["localhost", "127.0.0.1", "[::1]"], True),
        ("::", ["localhost"], True),
        ("192.168.1.7", ["127.0.0.1"], True),
        ("127.0.0.1", ["localhost"], False),
        ("[::1]", ["localhost"], False),
        ("0.0.0.0", ["localhost", "nitro.example"], False),
        ("0.0.0.0", ["*"], False),
    ],
)
def test_listening_to_the_world_needs_a_name_for_it(host: str, allowed: list[str], warned: bool) -> None:
    assert ("ALLOWED_HOSTS" in unnamed(host, allowed)) is warned
