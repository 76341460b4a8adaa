"""The websocket door: limits for what comes in, compression and back-pressure for what goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.tcp import Connection

from nitro.web.frames import BINARY, COMPRESSED, TEXT, deflated, frame, write_through
from nitro.web.gate import Gate
from nitro.web.lines import limited

MAX_MESSAGE = 1024 * 1024  # bytes; the longest question fits in, even with each letter written as an escape
INBOX_HIGH, INBOX_LOW = 64, 16  # frames that may wait for the application before the socket is read no further
INBOX_BYTES = 1024 * 1024  # … and how large they may be together
COMPRESS_FROM = 32  # bytes; below that deflate costs more time than it saves
WINDOW_BITS, MEMORY_LEVEL = 12, 5  # 16 KiB + 16 KiB for each connection


class Inbox(asyncio.Queue[dict[str, Any]]):
    """Frames for the application. While too many wait, the connection is not read: a flood stays with its sender."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport
        self._paused = False
        self._bytes = 0

    def _put(self, item: dict[str, Any]) -> None:
        super()._put(item)
        self._bytes += _size(item)
        if not self._paused and (self.qsize() >= INBOX_HIGH or self._bytes >= INBOX_BYTES):
            self._paused = True
            self._transport.pauseProducing()

    def _get(self) -> dict[str, Any]:
        item = super()._get()
        self._bytes -= _size(item)
        if self._paused and self.qsize() <= INBOX_LOW and self._bytes < INBOX_BYTES:
            self._paused = False
            self._transport.resumeProducing()
        return item


def _size(item: dict[str, Any]) -> int:
    """Characters or bytes of a frame; 0 for what is no frame."""
    return len(item.get("text") or item.get("bytes") or ())


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """One websocket. `send` is what the application calls; it returns when there is room for more."""

    def makeConnection(self, transport: Any) -> None:  # noqa: N802
        """Take the connection over from HTTP, its place as the transport's producer included."""
        self.gate = Gate()
        transport.unregisterProducer()
        self.line = limited(transport)
        transport.registerProducer(self.gate, True)
        self.direct = isinstance(transport, Connection)  # under TLS bytes must pass through its layer
        super().makeConnection(transport)

    def inbox(self) -> Inbox:
        """A fresh queue for what arrives."""
        return Inbox(self.transport)

    async def send(self, message: dict[str, Any]) -> None:
        """One ASGI message from the application. Silent where the socket is closed, as daphne is."""
        if message["type"] != "websocket.send":
            if not self.gone():
                self.handle_reply(message)
        elif self.state == self.STATE_OPEN:
            text = message.get("text")
            self.deliver(TEXT, text.encode()) if text is not None else self.deliver(BINARY, message["bytes"])
        if self.gate.closed:
            await self.gate.passage(self.line, self.server.stall_seconds)

    def gone(self) -> bool:
        """Whether the connection has ended."""
        return bool(self.server.connections.get(self, {"disconnected": True}).get("disconnected"))

    def deliver(self, opcode: int, payload: bytes) -> None:
        """Frame the payload, compressed where the browser agreed and it pays, and send it."""
        compressor = self._perMessageCompress
        if compressor is not None and len(payload) >= COMPRESS_FROM:
            payload = deflated(compressor, payload)
            opcode |= COMPRESSED
        data = frame(opcode, payload)
        if self.direct and not self.send_queue:
            write_through(self.transport, data)
        else:
            self.sendData(data)

    def serverClose(self, code: int | None = None, reason: bytes = b"") -> None:  # noqa: N802
        """Close with any code; autobahn's own way refuses those from 1001 to 1015, a restart's 1012 among them."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code or 1000, reasonUtf8=reason or None, isReply=False)

    def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802
        # A transport with a paused producer would wait for ever.
        self.transport.unregisterProducer()
        super()._closeConnection(abort)


def accept_deflate(offers: Iterable[object]) -> PerMessageDeflateOfferAccept | None:
    """Agree to permessage-deflate with a small window, so that ten thousand sockets do not need gigabytes."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            window = min(offer.request_max_window_bits or WINDOW_BITS, WINDOW_BITS)
            return PerMessageDeflateOfferAccept(  # type: ignore[no-untyped-call]
                offer,
                request_no_context_takeover=True,
                window_bits=window,
                mem_level=MEMORY_LEVEL,
                max_message_size=MAX_MESSAGE,
            )
    return None


class SocketFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes a `Socket` for every upgrade."""

    protocol = Socket

    def configure(self, *, ping_timeout: int, handshake_timeout: int) -> None:
        """Limits and compression for all sockets to come."""
        self.setProtocolOptions(
            autoPingTimeout=ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=handshake_timeout,
            maxMessagePayloadSize=MAX_MESSAGE,
            maxFramePayloadSize=MAX_MESSAGE,
            failByDrop=False,
            closeHandshakeTimeout=2,
            perMessageCompressionAccept=accept_deflate,
        )
