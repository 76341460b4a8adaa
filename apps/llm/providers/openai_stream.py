"""What comes back over OpenAI's wire: the bytes of an event stream become events. Pure: bytes in, values out."""

from __future__ import annotations

import json
from typing import Any, Literal

import orjson

from apps.llm.errors import Garbled, ProviderError, Refused, Unreachable
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.providers.failures import excerpt, failure_in_stream

LINE_LIMIT = 4 * 1024 * 1024
TOOL_LIMIT = 128
LENGTH = frozenset({"length", "max_tokens", "model_length"})
Kind = type[TextDelta] | type[ReasoningDelta]


class CompletionStream:
    """Reads one answer. Feed it the bytes as they arrive; it may be split anywhere, even inside of a character.

    `feed` and `end` return the events of those bytes and never raise: what went wrong stands in `failure`, so that the
    words before it are delivered first. All text of one `feed` comes as one event. Once `done`, feed no more.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.failure: ProviderError | None = None
        self.done = False
        self._tail = b""
        self._events: list[Event] = []
        self._kind: Kind = TextDelta
        self._words: list[str] = []
        self._half = ""
        self._calls: dict[int, dict[str, str]] = {}
        self._usage: Usage | None = None
        self._reason: Literal["stop", "length"] | None = None
        self._seen = False

    def feed(self, data: bytes) -> list[Event]:
        """The events of the next bytes."""
        alone = data[:7] == b"data: {" and data.find(b"\n") == len(data) - 2
        if alone and not self._tail and (word := self._only_word(data)) is not None:
            return [word]
        lines = (self._tail + data).split(b"\n") if self._tail else data.split(b"\n")
        self._tail = lines.pop()
        for line in lines:
            if len(line) > 1:
                self._line(line)
        if len(self._tail) > LINE_LIMIT:
            self._fail(Garbled(f"The {self.where} sent a line without end."))
        return self._taken()

    def _only_word(self, data: bytes) -> TextDelta | None:
        """The one token of a read that holds nothing else, as nearly all do; None where it has to be looked at closely.

        orjson refuses lone surrogates, so only NUL is left to be watched for.
        """
        try:
            chunk = orjson.loads(data[6:])
            (choice,) = chunk["choices"]
            delta = choice["delta"]
            text = delta["content"]
        except (ValueError, LookupError, TypeError):
            return None
        if not text or type(text) is not str or "\0" in text or choice.get("finish_reason") or len(delta) > 1:
            return None
        if self._kind is not TextDelta or self._half or self._words or chunk.get("usage") or "error" in chunk:
            return None
        self._seen = True
        return TextDelta(text)

    def end(self) -> list[Event]:
        """The events that were still open when the connection ended: usage and `Finished`, or a failure."""
        tail, self._tail = self._tail.strip(), b""
        if tail and not self.done and (not self._seen or _is_whole(tail)):
            self._line(tail)
        if self.done or self.failure is not None:
            return self._taken()
        if self._reason is not None:
            self._finish()
        elif self._seen:
            self._fail(Unreachable(f"The {self.where} ended the connection in the middle of the answer."))
        else:
            self._fail(Garbled(f"The {self.where} sent an answer without any content."))
        return self._taken()

    def broken(self, failure: ProviderError) -> list[Event]:
        """The last events when reading failed: an answer that had said why it ends is complete all the same."""
        if self._reason is not None:
            return self.end()
        self._fail(failure)
        return self._taken()

    def whole(self, raw: bytes) -> list[Event]:
        """The events of an answer in one piece, from a server that does not stream."""
        chunk = self._parsed(raw)
        if isinstance(chunk, dict) and self._reads(chunk):
            self._done()
        elif self.failure is None:
            self._garbled(raw)
        return self._taken()

    def _line(self, line: bytes) -> None:
        if self.done or self.failure is not None:
            return
        if line.startswith(b"data:"):
            self._data(line[5:])
        elif line.startswith(b"error:"):
            self._fail(failure_in_stream(self._parsed(line[6:]), self.where))
        elif not line.startswith((b":", b"event:", b"id:", b"retry:")) and line.strip():
            self._garbled(line)

    def _data(self, raw: bytes) -> None:
        if len(raw) < 12 and raw.strip() == b"[DONE]":
            self._done()
            return
        try:
            chunk = orjson.loads(raw)
        except orjson.JSONDecodeError:
            chunk = self._parsed(raw)
        if isinstance(chunk, dict):
            self._reads(chunk)
        elif self.failure is None:
            self._garbled(raw)

    def _reads(self, chunk: dict[str, Any]) -> bool:
        """Take in one chunk; False where it was an error."""
        if error := chunk.get("error"):
            self._fail(failure_in_stream(error, self.where))
            return False
        if usage := chunk.get("usage"):
            self._usage = _usage(usage) or self._usage
        choices = chunk.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            self._seen = True
            self._choice(choices[0])
        return self.failure is None

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            text = delta.get("content")
            if text and type(text) is str:
                self._say(TextDelta, text)
            if len(delta) > 1 or not text:
                self._rarer(delta)
        reason = choice.get("finish_reason")
        if reason == "content_filter":
            self._fail(Refused(f"A content filter of the {self.where} stopped the answer."))
        elif reason:
            self._reason = "length" if reason in LENGTH else "stop"

    def _rarer(self, delta: dict[str, Any]) -> None:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            self._say(ReasoningDelta, thought)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._say(TextDelta, refusal)
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for place, call in enumerate(calls):
                self._call(place, call)

    def _call(self, place: int, piece: object) -> None:
        """Add a piece of a function call to the ones before it."""
        if not isinstance(piece, dict) or not isinstance(piece.get("function"), dict):
            return
        index = piece.get("index")
        index = index if isinstance(index, int) else place
        if index not in self._calls and len(self._calls) >= TOOL_LIMIT:
            self._fail(Garbled(f"The {self.where} asked for too many functions at once."))
            return
        call = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = _string(piece.get("id")) or call["id"]
        call["name"] = _string(piece["function"].get("name")) or call["name"]
        call["arguments"] += _string(piece["function"].get("arguments"))

    def _say(self, kind: Kind, text: str) -> None:
        if kind is not self._kind:
            self._flush(last=True)
            self._kind = kind
        self._words.append(text)

    def _flush(self, *, last: bool = False) -> None:
        """Turn the words collected so far into one event."""
        text = self._half + "".join(self._words)
        self._words.clear()
        if not text.isascii():
            text = self._harmless(text, last=last)
        else:
            self._half = ""
        if "\0" in text:
            text = text.replace("\0", "")
        if text:
            self._events.append(self._kind(text))

    def _harmless(self, text: str, *, last: bool) -> str:
        """Join surrogates that came in two pieces, replace lonely ones; a half at the end waits for its other half."""
        self._half = ""
        if not last and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text

    def _taken(self) -> list[Event]:
        if self._words:
            self._flush()
        events, self._events = self._events, []
        return events

    def _done(self) -> None:
        if self._seen:
            self._finish()
        else:
            self._fail(Garbled(f"The {self.where} sent an answer without any content."))

    def _finish(self) -> None:
        self._flush(last=True)
        for _, call in sorted(self._calls.items()):
            self._events.append(ToolCall(**{key: _clean(value) for key, value in call.items()}))
        if self._usage is not None:
            self._events.append(self._usage)
        self._events.append(Finished(self._reason or "stop"))
        self.done = True

    def _fail(self, failure: ProviderError) -> None:
        self._flush(last=True)
        self.failure = self.failure or failure

    def _garbled(self, raw: bytes) -> None:
        seen = excerpt(raw.decode("utf-8", "replace"))
        self._fail(Garbled(f"The {self.where} sent something that is not an answer: {seen}"))

    def _parsed(self, raw: bytes) -> Any:
        """JSON as the standard library reads it: more patient than orjson with broken characters."""
        try:
            return json.loads(raw.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            self._garbled(raw)
            return None


def _usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Usage(_count(prompt), _count(completion))


def _count(value: object) -> int:
    return min(value, 2**31 - 1) if type(value) is int and value > 0 else 0


def _is_whole(line: bytes) -> bool:
    """Whether a line that nothing ended is all there, and not the half of one."""
    content = line.partition(b":")[2].strip()
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return content == b"[DONE]"
    return True


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Text that PostgreSQL and every JSON encoder take."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
