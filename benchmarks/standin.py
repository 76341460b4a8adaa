"""A stand-in model server: speaks OpenAI's wire with numbered tokens, so that loss and doubling can be counted.

    python -m benchmarks.standin --port 9100 --rate 20 --tokens 100

A test starts one with `async with StandIn(tokens=10) as server:` and talks to `server.url`. The name of the model (or
the header `X-Stand-In`) chooses a way to behave: see `MODES`. The limit `max_tokens` of a request is ignored on purpose.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, cast

MODES = {
    "tokens-N": "an answer of N tokens",
    "length-at-N": "an answer of N tokens that ends with the finish reason `length`",
    "fail-STATUS": "an error of that HTTP status: 400, 401, 403, 404, 429, 500, 502, 503 …",
    "context": "the error of a prompt that is too long, as OpenAI words it",
    "loading": "the 503 of a llama.cpp server that is still reading its model",
    "garbage": "random bytes instead of an answer",
    "half-line": "ten tokens, then half a line, then the end",
    "html-page": "a web page with status 200",
    "hang": "the request is taken and never answered",
    "silent-at-N": "N tokens, then silence on an open connection",
    "slow": "two tokens a second",
    "refuse": "the connection is reset without an answer",
    "cut-at-N": "N tokens, then the connection is reset",
    "error-at-N": "N tokens, then an error object inside of the stream",
    "no-done": "an answer without `[DONE]` at its end",
}
NUMBERED = re.compile(r"(?P<mode>tokens|length-at|fail|silent-at|cut-at|error-at)-(?P<number>[0-9]{1,7})")
PIECES = re.compile(r"\s*\w{1,5}|\s*[^\w\s]|\s+")
BURST = 64  # tokens per write at unlimited speed
LAST_NUMBER = re.compile(r"t([0-9]{5,}) ?$")
CONTINUE = "Continue"


@dataclass(slots=True)
class Stats:
    """What the server has done since its start."""

    connections: int = 0
    open_streams: int = 0
    started: int = 0
    finished: int = 0
    disconnected: int = 0
    tokens: int = 0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How one request is answered."""

    mode: str
    tokens: int
    rate: float
    stream: bool
    model: str
    first: int = 1
    usage: bool = True


class StandIn:
    """The server and what all of its connections share. `rate` is tokens per second and stream, 0 is unlimited."""

    def __init__(
        self,
        *,
        port: int = 0,
        rate: float = 0.0,
        tokens: int = 100,
        first_delay: float = 0.0,
        text: str = "",
        loading: float = 0.0,
    ) -> None:
        self.port, self.rate, self.tokens, self.first_delay = port, rate, tokens, first_delay
        self.pieces: list[str] = PIECES.findall(text)
        self.stats = Stats()
        self.requests: list[dict[str, Any]] = []
        self.ready_at = time.monotonic() + loading
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address to put into OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.abort()
            await self._server.wait_closed()

    def piece(self, number: int) -> str:
        """The token with that number, from 1: a piece of the given text, or the number itself."""
        return self.pieces[number - 1] if self.pieces else f"t{number:05d} "

    def plan(self, body: dict[str, Any], mode: str) -> Plan:
        """Read off the request, and off the name of its model, how to answer."""
        model = str(body.get("model") or "stand-in")
        numbered = NUMBERED.fullmatch(mode or model)
        name, tokens = mode or model, len(self.pieces) or self.tokens
        if numbered:
            name, tokens = numbered["mode"], int(numbered["number"])
        rate = 2.0 if name == "slow" else self.rate
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        first = 1 if self.pieces else first_number(body.get("messages") or [])
        return Plan(name, tokens, rate, bool(body.get("stream")), model, first, usage)


def first_number(messages: list[dict[str, Any]]) -> int:
    """Where to go on counting when the request asks to continue an answer; 1 otherwise."""
    if messages and messages[-1].get("role") == "user" and str(messages[-1].get("content")).startswith(CONTINUE):
        messages = messages[:-1]
    if not messages or messages[-1].get("role") != "assistant":
        return 1
    last = LAST_NUMBER.search(str(messages[-1].get("content")))
    return int(last[1]) + 1 if last else 1


class Connection(asyncio.Protocol):
    """One client's connection, kept alive between its requests."""

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.loop = asyncio.get_running_loop()
        self.buffer = b""
        self.answer: Answer | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.server.connections.add(self)
        self.server.stats.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        if self.answer is not None:
            self.answer.end(disconnected=True)

    def abort(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        if self.answer is not None:
            self.answer.paused = True

    def resume_writing(self) -> None:
        if self.answer is not None:
            self.answer.paused = False
            self.answer.step()

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
        method, path = head.split(" ", 2)[:2]
        if method == "POST" and path.endswith("/chat/completions"):
            mode = re.search(r"(?im)^x-stand-in:\s*(\S+)", head)
            self.completion(json.loads(body), mode[1] if mode else "")
        elif path.endswith("/models"):
            self.reply(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})
        elif path == "/stats":
            self.server.stats.cpu_seconds = time.process_time()
            self.reply(200, asdict(self.server.stats))
        elif path == "/health" and time.monotonic() >= self.server.ready_at:
            self.reply(200, {"status": "ok"})
        elif path == "/health":
            self.reply(503, LOADING)
        else:
            self.reply(404, error(404, "File Not Found", "not_found_error"))

    def completion(self, body: dict[str, Any], mode: str) -> None:
        server = self.server
        server.requests.append(body)
        del server.requests[:-50]
        plan = server.plan(body, mode)
        if time.monotonic() < server.ready_at:
            self.reply(503, LOADING)
        elif plan.mode in BLUNT:
            BLUNT[plan.mode](self, plan)
        elif not plan.stream:
            self.whole(plan)
        else:
            self.answer = Answer(self, plan)
            self.answer.begin()

    def whole(self, plan: Plan) -> None:
        """The answer in one piece."""
        last = plan.first + plan.tokens
        text = "".join(self.server.piece(n) for n in range(plan.first, last))
        self.server.stats.tokens += plan.tokens
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason(plan)}
        usage = usage_of(plan)
        self.reply(200, {"object": "chat.completion", "model": plan.model, "choices": [choice], "usage": usage})

    def reply(self, status: int, body: Any, media: str = "application/json", extra: str = "") -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {media}\r\n{extra}Content-Length: {len(raw)}\r\n\r\n"
        self.transport.write(head.encode() + raw)


class Answer:
    """One streamed answer: writes its tokens at the plan's speed until it ends or the client goes."""

    def __init__(self, connection: Connection, plan: Plan) -> None:
        self.connection, self.plan = connection, plan
        self.stats = connection.server.stats
        self.paused = self.ended = False
        self.sent = 0
        self.due = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.head = f'data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","model":{json.dumps(plan.model)},'
        self.open = self.head + '"choices":[{"index":0,"delta":{"content":'
        self.close = '},"finish_reason":null}]}\n\n'

    def begin(self) -> None:
        self.stats.started += 1
        self.stats.open_streams += 1
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        delay = self.connection.server.first_delay
        self.due = self.connection.loop.time() + delay
        self.connection.transport.write(head)
        if delay:
            self.timer = self.connection.loop.call_at(self.due, self.step)
        else:
            self.step()

    def step(self) -> None:
        """Write the next token, or a burst of them, and arrange for the step after."""
        if self.ended or self.paused:
            return
        if self.timer is not None:
            self.timer.cancel()
        count = min(1 if self.plan.rate else BURST, self.plan.tokens - self.sent)
        if count:
            self.connection.transport.write(b"".join(self.lines(count)))
            self.stats.tokens += count
        if self.sent >= self.plan.tokens:
            self.last()
        elif self.plan.rate:
            self.due += 1 / self.plan.rate
            self.timer = self.connection.loop.call_at(self.due, self.step)
        else:
            self.timer = self.connection.loop.call_later(0, self.step)

    def lines(self, count: int) -> Iterator[bytes]:
        first = self.plan.first + self.sent
        self.sent += count
        server, opening, closing = self.connection.server, self.open, self.close
        for number in range(first, first + count):
            piece = json.dumps(server.piece(number)) if server.pieces else f'"t{number:05d} "'
            yield chunked(f"{opening}{piece}{closing}")

    def last(self) -> None:
        """End as the plan says."""
        mode, transport = self.plan.mode, self.connection.transport
        if mode == "silent-at":
            return
        if mode == "cut-at":
            transport.abort()
        elif mode == "half-line":
            transport.write(chunked(self.open) + b"0\r\n\r\n")
        elif mode == "error-at":
            transport.write(chunked(f"data: {json.dumps(error(500, 'The engine broke', 'server_error'))}\n\n"))
            transport.write(b"0\r\n\r\n")
        else:
            transport.write(self.ending())
        self.end(disconnected=False)

    def ending(self) -> bytes:
        finish = {"index": 0, "delta": {}, "finish_reason": finish_reason(self.plan)}
        text = f'{self.head}"choices":[{json.dumps(finish)}]}}\n\n'
        if self.plan.usage:
            text += f'{self.head}"choices":[],"usage":{json.dumps(usage_of(self.plan))}}}\n\n'
        return chunked(text + ("" if self.plan.mode == "no-done" else "data: [DONE]\n\n")) + b"0\r\n\r\n"

    def end(self, *, disconnected: bool) -> None:
        if self.ended:
            return
        self.ended = True
        self.connection.answer = None
        self.stats.open_streams -= 1
        self.stats.disconnected += disconnected
        self.stats.finished += not disconnected
        if self.timer is not None:
            self.timer.cancel()


def chunked(text: str) -> bytes:
    raw = text.encode()
    return b"%x\r\n%b\r\n" % (len(raw), raw)


def usage_of(plan: Plan) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": plan.tokens, "total_tokens": 7 + plan.tokens}


def finish_reason(plan: Plan) -> str:
    return "length" if plan.mode == "length-at" else "stop"


def error(status: int, message: str, kind: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "type": kind}}


LOADING = error(503, "Loading model", "unavailable_error")
PAGE = b"<!DOCTYPE html><html><title>Welcome</title><p>It works!</html>"
TOO_LONG = {
    "error": {
        "message": "This model's maximum context length is 4096 tokens.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}


def fail(connection: Connection, plan: Plan) -> None:
    status = plan.tokens
    extra = "Retry-After: 7\r\n" if status == 429 else ""
    message = f"The model {plan.model} does not exist" if status == 404 else f"Failure {status} was asked for"
    connection.reply(status, error(status, message, "asked_for"), extra=extra)


BLUNT: dict[str, Callable[[Connection, Plan], None]] = {
    "fail": fail,
    "context": lambda connection, _: connection.reply(400, TOO_LONG),
    "loading": lambda connection, _: connection.reply(503, LOADING),
    "garbage": lambda connection, _: connection.reply(200, bytes(range(256)), "text/event-stream"),
    "html-page": lambda connection, _: connection.reply(200, PAGE, "text/html"),
    "hang": lambda connection, _: None,
    "refuse": lambda connection, _: connection.abort(),
}


async def serve(server: StandIn) -> None:
    async with server:
        print(f"The stand-in listens at {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in model server with numbered tokens.")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--rate", type=float, default=20.0, help="tokens per second and stream; 0 is unlimited")
    parser.add_argument("--tokens", type=int, default=100, help="tokens of an answer")
    parser.add_argument("--first-delay", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--loading", type=float, default=0.0, help="seconds during which the model seems to load")
    parser.add_argument("--text", type=Path, help="stream this file, in pieces like tokens, instead of numbers")
    given = vars(parser.parse_args())
    text = given.pop("text")
    server = StandIn(**given, text=text.read_text(encoding="utf-8") if text else "")
    try:
        if sys.platform == "win32":
            asyncio.run(serve(server))
        else:
            import uvloop

            uvloop.run(serve(server))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
