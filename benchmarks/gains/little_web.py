"""A small web on loopback for the search to read: two sites whose pages answer late, and an engine that names them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, quote, urlsplit

DELAY = 0.3  # seconds until a page answers
SIZE = 200_000  # bytes of a page
PAGES = 6
FACT = "The bridge of Tarrow was opened on 4 May 1931 after six years of work. It crosses the strait on nine arches."
FILLER = "Visitors find a small museum and boats along the quay, and the weather changes quickly in spring. " * 3


def article(number: int) -> bytes:
    """A page about a bridge, long for a page of text."""
    lines = f"<p>{FILLER}</p>" * (SIZE // (len(FILLER) + 7))
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Bridges {number}</title></head>"
    return f"{head}<body><article><h1>Bridges {number}</h1><p>{FACT}</p>{lines}</article></body></html>".encode()


class Site(BaseHTTPRequestHandler):
    """Answers with a page, late; at `/search` with the addresses of six pages that nobody has read before."""

    protocol_version = "HTTP/1.1"
    sites: tuple[str, ...] = ()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/search":
            self.answer(200, "application/json", self.found(parse_qs(parts.query).get("q", [""])[0]))
        elif parts.path.startswith("/page"):
            time.sleep(DELAY)
            self.answer(200, "text/html; charset=utf-8", article(int(parts.path.removeprefix("/page"))))
        else:
            self.answer(404, "text/plain", b"no such page")

    def found(self, query: str) -> bytes:
        """Other addresses for every question, so that no page is known from an earlier one."""
        urls = [f"{self.sites[n % len(self.sites)]}/page{n}?for={quote(query)}" for n in range(PAGES)]
        results = [{"url": url, "title": f"Bridges {n}", "content": FACT} for n, url in enumerate(urls)]
        return json.dumps({"results": results}).encode()

    def answer(self, status: int, media: str, body: bytes) -> None:
        """Send it all."""
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Ends with whoever reads, and says nothing of readers that leave."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that has left is no fault."""


@dataclass(frozen=True, slots=True)
class Web:
    """The running sites."""

    places: tuple[str, ...]

    @property
    def settings(self) -> dict[str, str]:
        """What Nitro needs in its environment to search there."""
        return {
            "SEARCH_ENGINE": "searxng",
            "SEARXNG_URL": f"http://{self.places[0]}",
            "FETCH_ALLOWED_PRIVATE": ",".join(self.places),
        }


@contextmanager
def little_web(sites: int = 2) -> Iterator[Web]:
    """The web, running in threads of this process."""
    handler = cast("type[Site]", type("Site", (Site,), {}))
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(("127.0.0.1", 0), handler)) for _ in range(sites)]
        places = tuple(f"127.0.0.1:{server.server_address[1]}" for server in servers)
        handler.sites = tuple(f"http://{place}" for place in places)
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield Web(places)
