"""The listening socket: one sentence where it cannot be opened."""

from __future__ import annotations

import socket

import pytest

from nitro.embedded.errors import ServiceError
from nitro.listening import SEND_BUFFER, listen


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
