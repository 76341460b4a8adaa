"""A store that speaks as much of S3 as Nitro needs, over real HTTP: objects in a dictionary."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlsplit

DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>"
MISSING = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>"


class Answer(BaseHTTPRequestHandler):
    """One request; every server has a class of its own, which knows its store."""

    store: ClassVar[S3Server]
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        content = self.body()
        if not self.refused():
            self.store.objects[self.name] = content
            self.send(200, b"")

    def do_GET(self) -> None:
        if not self.refused():
            found = self.store.objects.get(self.name)
            self.send(404, MISSING) if found is None else self.send(200, found)

    do_HEAD = do_GET  # noqa: N815  # the library's name

    def do_DELETE(self) -> None:
        if not self.refused():
            self.store.objects.pop(self.name, None)
            self.send(204, b"")

    @property
    def name(self) -> str:
        return urlsplit(self.path).path

    def body(self) -> bytes:
        if self.headers.get("x-amz-decoded-content-length") is None:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The body as S3's clients send it: pieces with their sizes, then a checksum."""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def refused(self) -> bool:
        if self.store.is_closed:
            self.send(403, DENIED)
        return self.store.is_closed

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Fri, 27 Nov 2026 10:00:00 GMT")
        self.send_header("ETag", '"0"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class S3Server:
    """Use it as a context manager; `objects` maps paths to contents, and `is_closed` refuses everything."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_closed = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Ours", (Answer,), {"store": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
