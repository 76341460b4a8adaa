"""The same exchanges as each kind of model server would write them, to be played over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from apps.llm.providers.base import Provider, Timeouts
from apps.llm.providers.gemini import Gemini
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from tests.llm import wire
from tests.llm.gemini_server import KEY, said
from tests.llm.ollama_server import end, part

LISTS = b'{"version":"0.12","data":[{"id":"m"}],"models":[]}'  # what each wire's lists are made of
MEDIA = {"openai": "text/event-stream", "ollama": "application/x-ndjson", "gemini": "application/json"}
ARGUMENTS = {"place": "Ulm"}
COUNTED = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}


def openai_chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def openai_lines(chunks: Iterable[dict[str, Any]], *, done: bool = True) -> bytes:
    return wire.data(*(json.dumps(chunk) for chunk in chunks), *(["[DONE]"] if done else []))


def ollama_lines(parts: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in parts)


def gemini_list(chunks: Iterable[dict[str, Any]], *, closed: bool = True) -> bytes:
    return b"[" + b",\n".join(json.dumps(chunk).encode() for chunk in chunks) + (b"]" if closed else b"")


CALL = {"function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
BODIES: dict[str, dict[str, bytes]] = {
    "openai": {
        "text": openai_lines(
            [
                openai_chunk(content="Good "),
                openai_chunk(content="day"),
                openai_chunk("stop"),
                {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
            ]
        ),
        "cut at the limit": openai_lines([openai_chunk(content="Good"), openai_chunk("length")]),
        "thoughts": openai_lines(
            [openai_chunk(reasoning_content="Hm."), openai_chunk(content="Yes"), openai_chunk("stop")]
        ),
        "tool": openai_lines([openai_chunk(tool_calls=[{"index": 0, "id": "1", **CALL}]), openai_chunk("tool_calls")]),
        "nothing": openai_lines([], done=False),
        "words": openai_lines([openai_chunk(content="Good")], done=False),
        "error": openai_lines([{"error": {"message": "out of memory", "code": 500}}], done=False),
        "half": b'data: {"choices":[{"index":0,"del',
    },
    "ollama": {
        "text": ollama_lines([part("Good "), part("day"), end()]),
        "cut at the limit": ollama_lines([part("Good"), end("length")]),
        "thoughts": ollama_lines([part(thinking="Hm."), part("Yes"), end()]),
        "tool": ollama_lines([part(tool_calls=[{"function": {"name": "weather", "arguments": ARGUMENTS}}]), end()]),
        "nothing": b"",
        "words": ollama_lines([part("Good")]),
        "error": ollama_lines([{"error": "out of memory"}]),
        "half": b'{"model":"m","message":{"role":"assi',
    },
    "gemini": {
        "text": gemini_list([said("Good "), said("day", reason="STOP", usageMetadata=COUNTED)]),
        "cut at the limit": gemini_list([said("Good", reason="MAX_TOKENS")]),
        "tool": gemini_list(
            [
                {
                    "candidates": [
                        {
                            "content": {"parts": [{"functionCall": {"name": "weather", "args": ARGUMENTS}}]},
                            "finishReason": "STOP",
                        }
                    ]
                }
            ]
        ),
        "nothing": b"",
        "words": gemini_list([said("Good")], closed=False),
        "error": b"," + json.dumps({"error": {"code": 500, "message": "Internal", "status": "INTERNAL"}}).encode(),
        "half": b',{"candidates": [{"con',
    },
}
KINDS = tuple(BODIES)
THINKING = tuple(kind for kind, bodies in BODIES.items() if "thoughts" in bodies)  # Gemini's library tells none


@dataclass
class Server(wire.Recording):
    """Plays its parts to a question, and lists to whoever only looks. `left` is set when the asker has hung up."""

    def __post_init__(self) -> None:
        self.left = asyncio.Event()

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, _ = await wire.request(reader)
            self.heads.append(head)
            if head.startswith(b"GET"):
                writer.write(wire.answer(200, LISTS))
            else:
                for piece in self.parts[0]:
                    writer.write(piece)
                    await writer.drain()
            if self.hold and not head.startswith(b"GET"):
                await reader.read(-1)
                self.left.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()


def head(kind: str) -> bytes:
    """The beginning of an answer that ends with its connection."""
    return wire.HEAD.replace(b"text/event-stream", MEDIA[kind].encode())


@asynccontextmanager
async def playing(
    kind: str, *parts: bytes, hold: bool = False, timeouts: Timeouts | None = None
) -> AsyncIterator[tuple[Provider, Server]]:
    """A provider of this kind before a server that answers its question with these bytes."""
    server = Server([parts], hold=hold)
    async with wire.recorded(server):
        provider = made(kind, server.url, timeouts or Timeouts())
        try:
            yield provider, server
        finally:
            await provider.close()


def made(kind: str, url: str, timeouts: Timeouts) -> Provider:
    bare = url.removesuffix("/v1")
    match kind:
        case "openai":
            return OpenAICompatible(url, timeouts=timeouts)
        case "ollama":
            return Ollama(bare, timeouts=timeouts)
        case _:
            return Gemini(KEY, base_url=bare, timeouts=timeouts)
