"""The HTTP door: bodies limited while they arrive, handed to the application piece by piece."""

from __future__ import annotations

import asyncio
import io
import json
import time
from http import HTTPStatus
from typing import Any, BinaryIO

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web import http
from twisted.web._http2 import H2Stream
from twisted.web.http_headers import Headers

from nitro.web.gate import Gate
from nitro.web.lines import line_of, overflows

PIECE = 64 * 1024
LINGER_SECONDS = 5  # a refused sender may still be talking; hanging up at once would hide our answer from it
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>%(title)s</title>
<h1>%(title)s</h1><p>%(body)s</p></html>"""

for known in HTTPStatus:  # Twisted has no word for 429 and other newer ones
    http.RESPONSES.setdefault(known.value, known.phrase.encode())


class Body(asyncio.Queue[dict[str, Any]]):
    """What the application receives: the body read from its file piece by piece, then the disconnect."""

    def __init__(self, content: BinaryIO) -> None:
        super().__init__()
        self._content: BinaryIO | None = content

    def put_nowait(self, item: dict[str, Any]) -> None:
        """Daphne puts an empty body here (see `Request.lend_content`), which the application must not see."""
        if item["type"] != "http.request":
            super().put_nowait(item)

    async def receive(self) -> dict[str, Any]:
        """The next ASGI message."""
        if self._content is None or self._content.closed:
            return await self.get()
        piece = self._content.read(PIECE)
        more = len(piece) == PIECE
        if not more:
            self._content.close()
            self._content = None
        return {"type": "http.request", "body": piece, "more_body": more}


class Request(WebRequest):  # type: ignore[misc]
    """One HTTP request."""

    error_template = PAGE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.content: BinaryIO | None = None
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False  # Django does that; Twisted would read the whole body into memory
        self.gate = Gate()
        self.refused = False
        self.began = time.perf_counter()
        self.arrived = 0
        self._complete = False
        self._hang_up: asyncio.TimerHandle | None = None

    # --- the body comes in -------------------------------------------------------------------------------------------
    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The headers are complete; refuse a body whose announced length is over the limit before reading it."""
        if length is not None and length > self.server.body_limit:
            self.refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A part of the body has arrived; one without announced length is counted as it comes."""
        self.arrived += len(data)
        if self.refused:
            return
        if self.arrived > self.server.body_limit:
            self.refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """All of it is there."""
        if not self.refused:
            super().requestReceived(command, path, version)
        elif isinstance(self.channel, H2Stream):
            self._end_refused_stream()

    def refuse(self) -> None:
        """Answer 413 now, forget what arrived, and read on for a moment only to throw it away."""
        self.refused = True
        if self.content is not None:
            self.content.close()
            self.content = None
        self.requestHeaders.removeHeader(b"Expect")  # no "100 Continue" after this
        if isinstance(self.channel, H2Stream):
            asyncio.get_running_loop().call_soon(self._refuse_stream)
            return
        transport = self.channel.transport
        kind, body = self._too_large(self.channel._path)
        head = b"HTTP/1.1 413 Content Too Large\r\nServer: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
        head %= (self.server.server_name.encode(), kind, len(body))
        head += b"".join(b"%s: %s\r\n" % one for one in self._timing())
        transport.write(head + b"Connection: close\r\n\r\n" + body)
        if hasattr(transport, "loseWriteConnection"):
            transport.loseWriteConnection()
        self._hang_up = asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abortConnection)

    def _refuse_stream(self) -> None:
        """The same in HTTP/2: the other streams of the connection go on."""
        kind, body = self._too_large(self.channel.path)
        headers = Headers({b"content-type": [kind], b"content-length": [b"%d" % len(body)]})
        for name, value in self._timing():
            headers.addRawHeader(name, value)
        self.channel.writeHeaders(b"HTTP/2", b"413", b"", headers)
        self.channel.write(body)
        self._hang_up = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.channel.abortConnection)
        if self._complete:
            self._end_refused_stream()

    def _end_refused_stream(self) -> None:
        """Twisted takes what still comes for a stream that has ended as a reason to drop the connection."""
        if self._hang_up is not None:
            self._hang_up.cancel()
            self.channel.requestDone(self)
        self._complete = True

    def _timing(self) -> tuple[tuple[bytes, bytes], ...]:
        """What every response says of its time; those of the application say it themselves."""
        seconds = time.perf_counter() - self.began
        return (b"X-Response-Time", b"%.6f" % seconds), (b"Server-Timing", b"app;dur=%.2f" % (seconds * 1000))

    def _too_large(self, path: bytes) -> tuple[bytes, bytes]:
        limit = f"{self.server.body_limit // (1024 * 1024)} MB"
        sentence = f"This is larger than the {limit} that this server takes at once."
        if path.startswith((b"/api/", b"/v1/")):
            return b"application/json", json.dumps(_error(path, sentence)).encode()
        return b"text/html; charset=utf-8", (PAGE % {"title": "Too large", "body": sentence}).encode()

    def lend_content(self) -> Body:
        """Give the body to the application and leave daphne an empty one, which it would otherwise read at once."""
        body, self.content = Body(self.content or io.BytesIO()), io.BytesIO()
        return body

    # --- the answer goes out -----------------------------------------------------------------------------------------
    async def send(self, message: dict[str, Any]) -> None:
        """One ASGI message from the application; returns when there is room for more."""
        if self.finished or self._disconnected or self.channel is None:
            return
        if message["type"] == "http.response.start" and not self._response_started:
            self.server.check_headers_type(message)
            self.line = line_of(self.channel)
            self.channel.registerProducer(self.gate, True)
        self.handle_reply(message)
        if not self.finished and (self.gate.closed or overflows(self.line)):
            await self.gate.passage(self.line, self.server.stall_seconds)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Daphne's own answer where the application has none, with the time it took."""
        for name, value in self._timing():
            self.responseHeaders.addRawHeader(name, value)
        super().basic_error(status, status_text, body)

    def finish(self) -> None:
        """The answer is complete."""
        self.channel.unregisterProducer()
        self.gate.stopProducing()
        super().finish()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """The other side is gone."""
        if self._hang_up is not None:
            self._hang_up.cancel()
        self.gate.stopProducing()
        super().connectionLost(reason)


def _error(path: bytes, sentence: str) -> dict[str, Any]:
    if path.startswith(b"/v1/"):
        kind = {"message": sentence, "type": "invalid_request_error", "param": None, "code": "too_large"}
        return {"error": kind}
    hint = "Send less at once, or raise MAX_BODY_MB."
    return {"code": "too_large", "message": sentence, "hint": hint, "details": {}}


class Door(HTTPFactory):  # type: ignore[misc]
    """Builds the protocol of a new connection with our `Request`."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        """As daphne's, with another class of requests."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol
