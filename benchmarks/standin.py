"""A stand-in model server: OpenAI's and Ollama's wires with numbered tokens, so that loss and doubling can be counted.

    python -m benchmarks.standin --port 9100 --rate 20 --tokens 100

A test starts one with `async with StandIn(tokens=10) as server:` and talks to `server.url`, or as to an Ollama to
`server.ollama_url`. The name of the model, or the header `X-Stand-In`, chooses a way to behave: see `MODES`. What a
request says of `max_tokens` is ignored unless the server is `limited`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, cast

import uvloop

from benchmarks.standin_answers import (
    GARBAGE,
    LOADING,
    MODES,
    NO_PAGE,
    PAGE,
    TOO_LONG,
    Plan,
    Speech,
    Stats,
    StreamedAnswer,
    plan,
)
from benchmarks.standin_wires import OLLAMA_VERSION, error, ollama_listed, ollama_shown, ollama_whole, openai_whole

PIECES = re.compile(r"\s*\w{1,5}|\s*[^\w\s]|\s+")
REMEMBERED = 50


class StandIn:
    """The server and what all of its connections share. `rate` is tokens per second and stream, 0 is unlimited.

    `text` is streamed in pieces like tokens instead of numbers; for `loading` seconds the model seems to be loading.
    A `limited` server ends an answer where the request's `max_tokens` says.
    `requests` keeps the last bodies, `stats` counts.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        rate: float = 0.0,
        tokens: int = 100,
        first_delay: float = 0.0,
        text: str = "",
        loading: float = 0.0,
        limited: bool = False,
    ) -> None:
        self.limited = limited
        self.port, self.rate, self.tokens, self.first_delay = port, rate, tokens, first_delay
        self.pieces: list[str] = PIECES.findall(text)
        self.stats = Stats()
        self.requests: list[dict[str, Any]] = []
        self.connections: set[Connection] = set()
        self.ready_at = time.monotonic() + loading
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address to put into OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def ollama_url(self) -> str:
        """The address to put into OLLAMA_BASE_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_loading(self) -> bool:
        """Whether the model still seems to be loading."""
        return time.monotonic() < self.ready_at

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await self._server.wait_closed()


class Connection(asyncio.Protocol):
    """One client's connection, kept alive between its requests."""

    transport: asyncio.Transport

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.buffer = b""
        self.answer: StreamedAnswer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.server.connections.add(self)
        self.server.stats.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        if self.answer is not None:
            self.answer.end(disconnected=True)

    def pause_writing(self) -> None:
        if self.answer is not None:
            self.answer.pause()

    def resume_writing(self) -> None:
        if self.answer is not None:
            self.answer.resume()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            length = re.search(r"(?im)^content-length:\s*([0-9]+)", head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[end + 4 : size], self.buffer[size:]
            self.request(head, body)

    def request(self, head: str, body: bytes) -> None:
        """Answer one request."""
        method, path = head.split(" ", 2)[:2]
        if method == "POST" and path.endswith("/chat/completions"):
            self.completion(json.loads(body), _asked(head))
        elif path.startswith("/api/"):
            self.ollama(path, json.loads(body) if body else {}, _asked(head))
        elif method == "POST" and path.endswith("/embeddings"):
            texts = json.loads(body)["input"]
            data = [{"index": place, "embedding": [float(len(text)), 1.0]} for place, text in enumerate(texts)]
            self.reply(200, {"data": data, "usage": {"prompt_tokens": len(texts)}})
        else:
            self.page(path)

    def page(self, path: str) -> None:
        """What is read rather than asked."""
        if path == "/stats":
            self.server.stats.cpu_seconds = time.process_time()
            self.reply(200, asdict(self.server.stats))
        elif path in {"/health", "/v1/models", "/models"} and self.server.is_loading:
            self.reply(503, LOADING)
        elif path == "/health":
            self.reply(200, {"status": "ok"})
        elif path in {"/v1/models", "/models"}:
            self.reply(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})
        else:
            self.reply(404, NO_PAGE)

    def ollama(self, path: str, body: dict[str, Any], asked: str) -> None:
        """Ollama's interface. It has whatever model is asked for."""
        if path == "/api/chat" and body.get("messages"):
            self.completion(body, asked, ollama=True)
        elif path == "/api/chat":  # a chat without messages only loads the model
            self.reply(200, {"model": body.get("model"), "message": {}, "done": True, "done_reason": "load"})
        elif path == "/api/version":
            self.reply(200, {"version": OLLAMA_VERSION})
        elif path in {"/api/tags", "/api/ps"}:
            self.reply(200, {"models": [ollama_listed("stand-in")]})
        elif path == "/api/show":
            self.reply(200, ollama_shown())
        else:
            self.reply(404, {"error": "not found"})

    def completion(self, body: dict[str, Any], asked: str, *, ollama: bool = False) -> None:
        """Answer a question."""
        server = self.server
        server.requests.append(body)
        del server.requests[:-REMEMBERED]
        speech = Speech(server.tokens, server.rate, server.pieces, limited=server.limited, ollama=ollama)
        answer = plan(body, asked, speech)
        if self.blunt("loading" if server.is_loading else answer.mode, answer):
            return
        if answer.stream:
            self.answer = StreamedAnswer(self.transport, server.stats, answer, self.over)
            self.answer.begin(server.first_delay)
        else:
            server.stats.tokens += answer.number
            self.reply(200, ollama_whole(answer) if ollama else openai_whole(answer))

    def blunt(self, mode: str, answer: Plan) -> bool:
        """Answer with a fault, where the mode is one that comes instead of an answer."""
        if mode == "refuse":
            self.transport.abort()
        elif mode == "garbage":
            self.reply(200, GARBAGE, "application/x-ndjson" if answer.ollama else "text/event-stream")
        elif mode == "html-page":
            self.reply(200, PAGE, "text/html")
        elif mode == "loading":
            self.reply(503, LOADING)
        elif mode == "context":
            self.reply(400, TOO_LONG)
        elif mode == "fail":
            said = f"The model {answer.model} does not exist" if answer.number == 404 else "This failure was asked for"
            extra = "Retry-After: 7\r\n" if answer.number == 429 else ""
            fault = {"error": said} if answer.ollama else error(answer.number, said, "asked_for")
            self.reply(answer.number, fault, extra=extra)
        return mode in {"refuse", "garbage", "html-page", "loading", "context", "fail", "hang"}

    def over(self) -> None:
        """The streamed answer has ended."""
        self.answer = None

    def reply(self, status: int, body: Any, media: str = "application/json", extra: str = "") -> None:
        """Send a whole answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {media}\r\n{extra}Content-Length: {len(raw)}\r\n\r\n"
        self.transport.write(head.encode() + raw)


def _asked(head: str) -> str:
    """The mode that the header `X-Stand-In` asks for, empty where there is none."""
    found = re.search(r"(?im)^x-stand-in:\s*(\S+)", head)
    return found[1] if found else ""


async def serve(server: StandIn) -> None:
    """Serve until the process is stopped."""
    async with server:
        print(f"The stand-in listens at {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    modes = "\n".join(f"  {mode:<12} {meaning}" for mode, meaning in MODES.items())
    parser = argparse.ArgumentParser(
        description="A stand-in model server with numbered tokens.",
        epilog=f"The name of the model chooses how to behave:\n{modes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--rate", type=float, default=20.0, help="tokens per second and stream; 0 is unlimited")
    parser.add_argument("--tokens", type=int, default=100, help="tokens of an answer")
    parser.add_argument("--first-delay", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--loading", type=float, default=0.0, help="seconds during which the model seems to load")
    parser.add_argument("--limited", action="store_true", help="end answers where a request's max_tokens says")
    parser.add_argument("--text", type=Path, help="stream this file, in pieces like tokens, instead of numbers")
    given = vars(parser.parse_args())
    path: Path | None = given.pop("text")
    server = StandIn(**given, text=path.read_text(encoding="utf-8") if path else "")
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(server))


if __name__ == "__main__":
    main()
