"""A websocket client that costs almost nothing: frames are kept with their time of arrival and read after the race."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
import uuid
import zlib
from dataclasses import dataclass, field
from typing import Any, Self, cast

import orjson

OFFER = "permessage-deflate; client_max_window_bits"  # what Chromium and Firefox offer
CLOSE, PING, PONG, TEXT = 0x8, 0x9, 0xA, 0x1
DONE = b'"type":"done"'


@dataclass
class Turn:
    """One question and the frames that came after it, each with the time of its arrival."""

    asked: float
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    ended: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Wire(asyncio.Protocol):
    """One open websocket of one conversation."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.open: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.received = 0  # bytes as they came over the socket, after the handshake
        self.turn: Turn | None = None
        self._buffer = b""
        self._inflate: Any = None
        self._upgraded = False

    @classmethod
    async def connect(cls, port: int, path: str, cookie: str) -> Self:
        """Open a socket as a page of ours would."""
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Origin: http://127.0.0.1:{port}",
            f"Cookie: {cookie}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            f"Sec-WebSocket-Extensions: {OFFER}",
        ]
        wire.transport.write("\r\n".join([*lines, "\r\n"]).encode())
        await wire.open
        return wire

    def ask(self, text: str, **more: object) -> Turn:
        """Send a question; the turn's frames are gathered until it has ended. `more` are other fields of the frame."""
        frame = {"type": "ask", "id": str(uuid.uuid4()), "text": text, "cache": False}
        return self.tell(frame | more)

    def tell(self, frame: dict[str, object]) -> Turn:
        """Send a frame, and gather what comes from now on."""
        self.turn = turn = Turn(time.perf_counter())
        self.send(frame)
        return turn

    def send(self, frame: dict[str, object]) -> None:
        """Send a frame; what is being gathered goes on."""
        self._send(TEXT, orjson.dumps(frame))

    def abort(self) -> None:
        """Go without a word, as a page does that is being reloaded; nobody waits for the turn any more."""
        self.turn = None
        self.transport.abort()

    def close(self) -> None:
        """Say goodbye and go."""
        self._send(CLOSE, struct.pack("!H", 1000))
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever still waits learns that nothing will come."""
        lost = ConnectionError("the server hung up")
        for waiting in (self.open, self.turn.ended if self.turn else None):
            if waiting is not None and not waiting.done():
                waiting.set_exception(lost)

    def data_received(self, data: bytes) -> None:
        """Take frames out of what has come."""
        self._buffer += data
        if not self._upgraded and not self._upgrade():
            return
        self.received += len(data)
        while self._frame():
            pass

    def _upgrade(self) -> bool:
        """Read the answer to the handshake; False while it is incomplete."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head, self._buffer = self._buffer[:end].decode("latin-1"), self._buffer[end + 4 :]
        if " 101 " not in head.split("\r\n", 1)[0]:
            if not self.open.done():
                self.open.set_exception(ConnectionError(head.split("\r\n", 1)[0]))
            return False
        if "permessage-deflate" in head:
            self._inflate = zlib.decompressobj(-15)
        self._upgraded = True
        if not self.open.done():  # else whoever wanted it has gone home meanwhile
            self.open.set_result(head)
        return True

    def _frame(self) -> bool:
        """Take one frame; False where none is complete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, start = buffer[1] & 0x7F, 2
        if size == 126 and len(buffer) >= 4:
            size, start = struct.unpack_from("!H", buffer, 2)[0], 4
        elif size == 127 and len(buffer) >= 10:
            size, start = struct.unpack_from("!Q", buffer, 2)[0], 10
        if ((buffer[1] & 0x7F) > 125 and start == 2) or len(buffer) < start + size:
            return False
        self._buffer = buffer[start + size :]
        self._take(buffer[0], buffer[start : start + size])
        return True

    def _take(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode == PING:
            self._send(PONG, payload)
        elif opcode == TEXT:
            if first & 0x40:
                payload = self._inflate.decompress(payload + b"\x00\x00\xff\xff")
            self._keep(payload)
        elif opcode == CLOSE:
            self.transport.close()

    def _keep(self, payload: bytes) -> None:
        turn = self.turn
        if turn is None:
            return
        turn.frames.append((time.perf_counter(), payload))
        if DONE in payload[:20] and not turn.ended.done():
            turn.ended.set_result(None)

    def _send(self, opcode: int, payload: bytes) -> None:
        """A masked frame; the mask is zero, so that masking costs nothing (RFC 6455, section 5.3)."""
        size = len(payload)
        length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        self.transport.write(bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload)
