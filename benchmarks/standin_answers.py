"""How the stand-in model server answers: plans read off a request, streamed tokens, and faults on demand."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MODES = {
    "tokens-N": "an answer of N tokens",
    "thinks-N": "N tokens of visible thinking, then N of the answer",
    "length-at-N": "an answer of N tokens that ends with the finish reason `length`",
    "slow": "two tokens a second",
    "hang": "the request is taken and never answered",
    "silent-at-N": "N tokens, then silence on an open connection",
    "cut-at-N": "N tokens, then the connection is reset",
    "error-at-N": "N tokens, then an error object inside of the stream",
    "half-line": "all tokens, then half a line, then the end",
    "no-done": "an answer without `[DONE]` at its end",
    "garbage": "random bytes instead of an answer",
    "html-page": "a web page with status 200",
    "refuse": "the connection is reset without an answer",
    "fail-STATUS": "an error of that HTTP status: 400, 401, 403, 404, 429, 500, 502, 503 …",
    "context": "the error of a prompt that is too long, as OpenAI words it",
    "loading": "the 503 of a llama.cpp server that is still reading its model",
}
NUMBERED = re.compile(r"(?P<mode>tokens|thinks|length-at|fail|silent-at|cut-at|error-at)-(?P<number>[0-9]{1,7})")
LAST_NUMBER = re.compile(r"t([0-9]{5,}) ?$")
CONTINUE = "Continue"
BURST = 64  # tokens per write at unlimited speed
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


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
    """How one request is answered. `number` is the status of `fail-STATUS` and the count of tokens otherwise."""

    mode: str
    number: int
    model: str
    stream: bool
    usage: bool
    rate: float
    first: int
    pieces: Sequence[str]

    def piece(self, place: int) -> str:
        """A token as JSON: a piece of the given text, or the number of the token."""
        if self.pieces:
            return json.dumps(self.pieces[(place - 1) % len(self.pieces)])
        return f'"t{place:05d} "'

    @property
    def thoughts(self) -> int:
        """How many of the tokens are thinking; the answer's are counted anew."""
        return self.number // 2 if self.mode == "thinks" else 0

    @property
    def text(self) -> str:
        """All tokens in one."""
        return "".join(json.loads(self.piece(n)) for n in range(self.first, self.first + self.number))

    @property
    def finish_reason(self) -> str:
        return "length" if self.mode == "length-at" else "stop"

    @property
    def counted(self) -> dict[str, int]:
        """The usage object."""
        return {"prompt_tokens": 7, "completion_tokens": self.number, "total_tokens": 7 + self.number}


def plan(body: dict[str, Any], asked: str, *, tokens: int, rate: float, pieces: Sequence[str]) -> Plan:
    """Read off the request, the header `X-Stand-In` or the name of the model how to answer."""
    model = str(body.get("model") or "stand-in")
    mode, number = asked or model, len(pieces) or tokens
    if numbered := NUMBERED.fullmatch(mode):
        mode, number = numbered["mode"], int(numbered["number"])
        number *= 2 if mode == "thinks" else 1
    return Plan(
        mode=mode,
        number=number,
        model=model,
        stream=bool(body.get("stream")),
        usage=bool((body.get("stream_options") or {}).get("include_usage")),
        rate=2.0 if mode == "slow" else rate,
        first=1 if pieces else _first_number(body.get("messages") or []),
        pieces=pieces,
    )


def _first_number(messages: list[dict[str, Any]]) -> int:
    """Where to go on counting when the request asks to continue an answer; 1 otherwise."""
    if messages and messages[-1].get("role") == "user" and str(messages[-1].get("content")).startswith(CONTINUE):
        messages = messages[:-1]
    if not messages or messages[-1].get("role") != "assistant":
        return 1
    last = LAST_NUMBER.search(str(messages[-1].get("content")))
    return int(last[1]) + 1 if last else 1


class StreamedAnswer:
    """Writes the tokens of a plan at its speed until it ends or the client goes."""

    def __init__(self, transport: asyncio.Transport, stats: Stats, plan: Plan, over: Callable[[], None]) -> None:
        self.plan = plan
        self._transport, self._stats, self._over = transport, stats, over
        self._loop = asyncio.get_running_loop()
        self._sent = 0
        self._due = 0.0
        self._paused = self._ended = False
        self._timer: asyncio.Handle | None = None
        self._head = f'data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","model":{json.dumps(plan.model)},'
        self._open = self._head + '"choices":[{"index":0,"delta":{"content":'
        self._think = self._open.replace('"content"', '"reasoning_content"')
        self._close = '},"finish_reason":null}]}\n\n'

    def begin(self, delay: float) -> None:
        """Send the head at once and the first token after `delay` seconds."""
        self._stats.started += 1
        self._stats.open_streams += 1
        self._transport.write(STREAM_HEAD)
        self._due = self._loop.time() + delay
        if delay:
            self._timer = self._loop.call_at(self._due, self._step)
        else:
            self._step()

    def pause(self) -> None:
        """The client reads too slowly."""
        self._paused = True

    def resume(self) -> None:
        """The client has caught up."""
        self._paused = False
        self._step()

    def end(self, *, disconnected: bool) -> None:
        """Count the end, once."""
        if self._ended:
            return
        self._ended = True
        self._stats.open_streams -= 1
        self._stats.disconnected += disconnected
        self._stats.finished += not disconnected
        if self._timer is not None:
            self._timer.cancel()
        self._over()

    def _step(self) -> None:
        """Write the next token, or a burst of them, and arrange for the step after."""
        if self._ended or self._paused:
            return
        if self._timer is not None:
            self._timer.cancel()
        count = min(1 if self.plan.rate else BURST, self.plan.number - self._sent)
        if count:
            self._transport.write(b"".join(self._lines(count)))
            self._stats.tokens += count
        if self._sent >= self.plan.number:
            self._last()
        elif self.plan.rate:
            self._due += 1 / self.plan.rate
            self._timer = self._loop.call_at(self._due, self._step)
        else:
            self._timer = self._loop.call_soon(self._step)

    def _lines(self, count: int) -> Iterator[bytes]:
        sent, self._sent = self._sent, self._sent + count
        for place in range(sent, sent + count):
            thinks = place < self.plan.thoughts
            piece = self.plan.piece(self.plan.first + place - (0 if thinks else self.plan.thoughts))
            yield chunk(f"{self._think if thinks else self._open}{piece}{self._close}")

    def _last(self) -> None:
        """End as the plan says."""
        if self.plan.mode == "silent-at":
            return
        if self.plan.mode == "cut-at":
            self._transport.abort()
        elif self.plan.mode == "half-line":
            self._transport.write(chunk(self._open) + LAST_CHUNK)
        elif self.plan.mode == "error-at":
            broken = json.dumps(error(500, "The engine broke", "server_error"))
            self._transport.write(chunk(f"data: {broken}\n\n") + LAST_CHUNK)
        else:
            self._transport.write(self._ending())
        self.end(disconnected=False)

    def _ending(self) -> bytes:
        finish = {"index": 0, "delta": {}, "finish_reason": self.plan.finish_reason}
        text = f'{self._head}"choices":[{json.dumps(finish)}]}}\n\n'
        if self.plan.usage:
            text += f'{self._head}"choices":[],"usage":{json.dumps(self.plan.counted)}}}\n\n'
        return chunk(text + ("" if self.plan.mode == "no-done" else "data: [DONE]\n\n")) + LAST_CHUNK


def chunk(text: str) -> bytes:
    """One chunk of HTTP's chunked transfer."""
    raw = text.encode()
    return b"%x\r\n%b\r\n" % (len(raw), raw)


def whole(plan: Plan) -> dict[str, Any]:
    """The answer in one piece."""
    message = {"role": "assistant", "content": plan.text}
    choice = {"index": 0, "message": message, "finish_reason": plan.finish_reason}
    return {"object": "chat.completion", "model": plan.model, "choices": [choice], "usage": plan.counted}


def error(code: int | str, message: str, kind: str) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"code": code, "message": message, "type": kind}}


LOADING = error(503, "Loading model", "unavailable_error")
NO_PAGE = error(404, "File Not Found", "not_found_error")
TOO_LONG = error(
    "context_length_exceeded", "This model's maximum context length is 4096 tokens.", "invalid_request_error"
)
PAGE = b"<!DOCTYPE html><html><title>Welcome</title><p>It works!</html>"
GARBAGE = bytes(range(256))
