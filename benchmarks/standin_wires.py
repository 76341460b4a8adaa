"""The two wires of the stand-in model server, OpenAI's and Ollama's: how a head, a token, an end and a fault look."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from benchmarks.standin_answers import Plan

OLLAMA_VERSION = "0.12.0"
WINDOW = 8192
LAST_CHUNK = b"0\r\n\r\n"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n"


class Wire(Protocol):
    """What an answer looks like on one wire; made anew for each answer."""

    head: bytes

    def token(self, piece: str, *, thinks: bool) -> bytes:
        """One token; the piece is JSON."""

    def half(self) -> bytes:
        """The beginning of a line that nobody ends."""

    def broken(self) -> bytes:
        """The error of an engine that failed in the middle."""

    def ending(self, plan: Plan) -> bytes:
        """What comes after the last token."""


class OpenAIWire:
    """Server-sent events, one for each token."""

    head = HEAD.format("text/event-stream").encode()

    def __init__(self, model: str) -> None:
        self._head = f'data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","model":{json.dumps(model)},'
        self._open = self._head + '"choices":[{"index":0,"delta":{"content":'
        self._think = self._open.replace('"content"', '"reasoning_content"')
        self._close = '},"finish_reason":null}]}\n\n'

    def token(self, piece: str, *, thinks: bool) -> bytes:
        return chunk(f"{self._think if thinks else self._open}{piece}{self._close}")

    def half(self) -> bytes:
        return chunk(self._open)

    def broken(self) -> bytes:
        return chunk(f"data: {json.dumps(error(500, 'The engine broke', 'server_error'))}\n\n")

    def ending(self, plan: Plan) -> bytes:
        finish = {"index": 0, "delta": {}, "finish_reason": plan.finish_reason}
        text = f'{self._head}"choices":[{json.dumps(finish)}]}}\n\n'
        if plan.usage:
            text += f'{self._head}"choices":[],"usage":{json.dumps(plan.counted)}}}\n\n'
        return chunk(text + ("" if plan.mode == "no-done" else "data: [DONE]\n\n"))


class OllamaWire:
    """A line of JSON for each token, the last one with `done`."""

    head = HEAD.format("application/x-ndjson").encode()

    def __init__(self, model: str) -> None:
        self._head = f'{{"model":{json.dumps(model)},"created_at":"{_now()}","message":{{"role":"assistant",'
        self._open = self._head + '"content":'
        self._think = self._head + '"content":"","thinking":'
        self._close = '},"done":false}\n'

    def token(self, piece: str, *, thinks: bool) -> bytes:
        return chunk(f"{self._think if thinks else self._open}{piece}{self._close}")

    def half(self) -> bytes:
        return chunk(self._open)

    def broken(self) -> bytes:
        return chunk('{"error":"The engine broke"}\n')

    def ending(self, plan: Plan) -> bytes:
        if plan.mode == "no-done":
            return b""
        return chunk(self._head + f'"content":""}},"done":true,{json.dumps(ollama_counts(plan))[1:]}\n')


def chunk(text: str) -> bytes:
    """One chunk of HTTP's chunked transfer."""
    raw = text.encode()
    return b"%x\r\n%b\r\n" % (len(raw), raw)


def openai_whole(plan: Plan) -> dict[str, Any]:
    """OpenAI's answer in one piece."""
    message = {"role": "assistant", "content": plan.text}
    choice = {"index": 0, "message": message, "finish_reason": plan.finish_reason}
    return {"object": "chat.completion", "model": plan.model, "choices": [choice], "usage": plan.counted}


def ollama_whole(plan: Plan) -> dict[str, Any]:
    """Ollama's answer in one piece."""
    message = {"role": "assistant", "content": plan.text}
    return {"model": plan.model, "created_at": _now(), "message": message, "done": True, **ollama_counts(plan)}


def ollama_counts(plan: Plan) -> dict[str, Any]:
    """How Ollama says why an answer ended and what it took; durations are nanoseconds."""
    counted, rate = plan.counted, plan.rate or 1000.0
    return {
        "done_reason": plan.finish_reason,
        "total_duration": int(counted["completion_tokens"] / rate * 1e9),
        "load_duration": 0,
        "prompt_eval_count": counted["prompt_tokens"],
        "prompt_eval_duration": 1_000_000,
        "eval_count": counted["completion_tokens"],
        "eval_duration": int(counted["completion_tokens"] / rate * 1e9),
    }


def ollama_listed(name: str) -> dict[str, Any]:
    """A model as `/api/tags` and `/api/ps` list it: all are in memory, since none is there."""
    details = {"format": "gguf", "family": "stand-in", "parameter_size": "1B", "quantization_level": "Q4_0"}
    full = name if ":" in name else f"{name}:latest"
    memory = {"size_vram": 0, "context_length": WINDOW, "expires_at": "2100-01-01T00:00:00Z"}
    return {"name": full, "model": full, "size": 1_000_000, "digest": "sha256:0", "details": details, **memory}


def ollama_shown() -> dict[str, Any]:
    """What `/api/show` tells of any model."""
    info = {"general.architecture": "standin", "standin.context_length": WINDOW}
    return {"model_info": info, "capabilities": ["completion"], "details": {}}


def error(code: int | str, message: str, kind: str) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"code": code, "message": message, "type": kind}}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
