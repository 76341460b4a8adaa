"""A server that answers every address with a status, and remembers who knocked where."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Knocked:
    """Where it is, what it answers, and what was asked: addresses with the key that came along."""

    def __init__(self, status: int, location: str = "") -> None:
        self.status, self.location = status, location
        self.seen: list[tuple[str, str]] = []
        self.url = ""


@contextmanager
def knocked(status: int = 200, location: str = "") -> Iterator[Knocked]:
    """The server, for the time of the block."""
    told = Knocked(status, location)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.seen.append((self.path, self.headers.get("Authorization", "")))
            self.send_response(told.status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()
