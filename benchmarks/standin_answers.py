"""How the stand-in model server answers: plans read off a request, streamed tokens, and faults on demand."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.standin_wires import LAST_CHUNK, OllamaWire, OpenAIWire, Wire, error

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
    "no-done": "an answer without `[DONE]` (Ollama: without its last line) at its end",
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
    ollama: bool = False

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


@dataclass(frozen=True, slots=True)
class Speech:
    """How a server speaks where a request does not choose: so many tokens at that rate, or these pieces."""

    tokens: int
    rate: float
    pieces: Sequence[str]
    limited: bool = False
    ollama: bool = False


def plan(body: dict[str, Any], asked: str, speech: Speech) -> Plan:
    """Read off the request, the header `X-Stand-In` or the name of the model how to answer."""
    model = str(body.get("model") or "stand-in")
    mode, number = asked or model.removesuffix(":latest"), len(speech.pieces) or speech.tokens
    if numbered := NUMBERED.fullmatch(mode):
        mode, number = numbered["mode"], int(numbered["number"])
        number *= 2 if mode == "thinks" else 1
    if speech.limited and mode in {model, "tokens"} and 0 < _limit(body) < number:
        mode, number = "length-at", _limit(body)
    return Plan(
        mode=mode,
        number=number,
        model=model,
        stream=bool(body.get("stream", speech.ollama)),
        usage=bool((body.get("stream_options") or {}).get("include_usage")),
        rate=2.0 if mode == "slow" else speech.rate,
        first=1 if speech.pieces else _first_number(body.get("messages") or []),
        pieces=speech.pieces,
        ollama=speech.ollama,
    )


def _limit(body: dict[str, Any]) -> int:
    """How many tokens the request allows, on either wire; 0 where it does not say."""
    named = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(named or (body.get("options") or {}).get("num_predict") or 0)


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
        self._wire: Wire = (OllamaWire if plan.ollama else OpenAIWire)(plan.model)

    def begin(self, delay: float) -> None:
        """Send the head at once and the first token after `delay` seconds."""
        self._stats.started += 1
        self._stats.open_streams += 1
        self._transport.write(self._wire.head)
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
            yield self._wire.token(piece, thinks=thinks)

    def _last(self) -> None:
        """End as the plan says."""
        if self.plan.mode == "silent-at":
            return
        if self.plan.mode == "cut-at":
            self._transport.abort()
        elif self.plan.mode == "half-line":
            self._transport.write(self._wire.half() + LAST_CHUNK)
        elif self.plan.mode == "error-at":
            self._transport.write(self._wire.broken() + LAST_CHUNK)
        else:
            self._transport.write(self._wire.ending(self.plan) + LAST_CHUNK)
        self.end(disconnected=False)


LOADING = error(503, "Loading model", "unavailable_error")
NO_PAGE = error(404, "File Not Found", "not_found_error")
TOO_LONG = error(
    "context_length_exceeded", "This model's maximum context length is 4096 tokens.", "invalid_request_error"
)
PAGE = b"<!DOCTYPE html><html><title>Welcome</title><p>It works!</html>"
GARBAGE = bytes(range(256))
