"""Frames built by hand: read back by another implementation of the protocol."""

from __future__ import annotations

import socket
import zlib
from typing import Any

import pytest
from autobahn.websocket.compress import PerMessageDeflate
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from nitro.web.frames import BINARY, COMPRESSED, TEXT, deflated, frame, write_through


def parse(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False)
    try:
        while True:
            next(parsing)
    except StopIteration as stop:
        result: Frame = stop.value
        return result


@given(st.binary(max_size=300))
def test_a_small_frame_reads_back_the_same(payload: bytes) -> None:
    parsed = parse(frame(BINARY, payload))
    assert (parsed.opcode, parsed.data, parsed.fin, parsed.rsv1) == (Opcode.BINARY, payload, True, False)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 1_000_000])
def test_every_length_of_length_reads_back_the_same(size: int) -> None:
    assert parse(frame(TEXT, b"x" * size)).data == b"x" * size


@given(st.lists(st.binary(min_size=1, max_size=500), max_size=20))
def test_compressed_messages_share_one_window(payloads: list[bytes]) -> None:
    compressor: Any = PerMessageDeflate(True, False, True, 12, 12, 5)  # type: ignore[no-untyped-call]
    window = zlib.decompressobj(-12)
    for payload in payloads:
        data = frame(TEXT | COMPRESSED, deflated(compressor, payload))
        assert data[0] == 0b1100_0001
        parsed = parse(bytes([TEXT]) + data[1:])
        assert window.decompress(bytes(parsed.data) + b"\x00\x00\xff\xff") == payload


class Transport:
    """As much of Twisted's transport as `write_through` looks at."""

    def __init__(self) -> None:
        self.socket, self.other = socket.socketpair()
        self.socket.setblocking(False)
        self.connected, self.disconnecting = 1, 0
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *args: object) -> None:
        self.socket.close()
        self.other.close()


def test_bytes_go_to_the_kernel_at_once_where_nothing_waits() -> None:
    with Transport() as transport:
        write_through(transport, b"hello")
        assert transport.other.recv(10) == b"hello"
        assert transport._tempDataBuffer == []


def test_bytes_never_overtake_those_that_wait() -> None:
    with Transport() as transport:
        transport.write(b"first")
        write_through(transport, b"second")
        assert transport._tempDataBuffer == [b"first", b"second"]


def test_what_the_kernel_does_not_take_waits() -> None:
    with Transport() as transport:
        data = bytes(range(256)) * 40_000
        write_through(transport, data)
        rest = b"".join(transport._tempDataBuffer)
        assert 0 < len(rest) < len(data)
        assert data.endswith(rest)


def test_a_broken_connection_is_left_to_the_reactor() -> None:
    with Transport() as transport:
        transport.other.close()
        write_through(transport, b"lost")
        assert transport._tempDataBuffer == []
