"""What comes back over Ollama's wire: lines of JSON become events. Pure: bytes in, values out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from apps.llm.errors import Garbled, ProviderError, Unreachable
from apps.llm.events import Event, Finished, ReasoningDelta, TextDelta, ToolCall, Usage
from apps.llm.providers.failures import excerpt, failure_in_stream
from apps.llm.providers.ollama_request import tool_call_id

if TYPE_CHECKING:
    from ollama import ProgressResponse

LINE_LIMIT = 4 * 1024 * 1024
TOOL_LIMIT = 128
COUNT_LIMIT = 2**31 - 1
Kind = type[TextDelta] | type[ReasoningDelta]


class ChatStream:
    """Reads one answer. Feed it the bytes as they arrive; it may be split anywhere, even inside of a character.

    Nothing here raises: what went wrong stands in `failure`, so that the words before it are delivered first. All text
    of one `feed` comes as one event. Once `done`, feed no more.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.failure: ProviderError | None = None
        self.done = False
        self._tail = b""
        self._seen = False
        self._events: list[Event] = []
        self._kind: Kind = TextDelta
        self._words: list[str] = []
        self._calls: list[ToolCall] = []

    def feed(self, data: bytes) -> list[Event]:
        """The events of the next bytes."""
        if not self._tail and data.find(b"\n") == len(data) - 1 and (word := self._only_word(data)) is not None:
            return [word]
        lines = (self._tail + data).split(b"\n") if self._tail else data.split(b"\n")
        self._tail = lines.pop()
        for line in lines:
            if line:
                self._line(line)
        if len(self._tail) > LINE_LIMIT:
            self._fail(Garbled(f"The {self.where} sent a line without end."))
        return self._taken()

    def _only_word(self, data: bytes) -> TextDelta | None:
        """The one token of a read that holds nothing else, as nearly all do; None where it has to be looked at closely.

        orjson refuses lone surrogates, so only NUL is left to be watched for.
        """
        try:
            part = orjson.loads(data)
            message = part["message"]
            text = message["content"]
        except (ValueError, LookupError, TypeError):
            return None
        if not text or type(text) is not str or "\0" in text or part.get("done") or "error" in part:
            return None
        if self._kind is not TextDelta or self._words or len(message) > 2 or "role" not in message:
            return None
        self._seen = True
        return TextDelta(text)

    def end(self) -> list[Event]:
        """The events that were still open when the connection ended."""
        tail, self._tail = self._tail.strip(), b""
        if tail and (not self._seen or _is_json(tail)):
            self._line(tail)
        if not self.done and self._seen:
            self._fail(Unreachable(f"The {self.where} ended the connection in the middle of the answer."))
        elif not self.done:
            self._fail(Garbled(f"The {self.where} sent an answer without any content."))
        return self._taken()

    def broken(self, failure: ProviderError) -> list[Event]:
        """The last events when reading failed."""
        self._fail(failure)
        return self._taken()

    def _line(self, line: bytes) -> None:
        if self.done or self.failure is not None or not line.strip():
            return
        try:
            part = orjson.loads(line)
        except orjson.JSONDecodeError:
            part = _patiently(line)
        if not isinstance(part, dict):
            self._garbled(line)
        elif error := part.get("error"):
            self._fail(failure_in_stream(error, self.where))
        elif isinstance(message := part.get("message"), dict):
            self._seen = True
            self._message(message)
            if part.get("done") and self.failure is None:
                self._finish(part)
        else:
            self._garbled(line)

    def _message(self, message: dict[str, Any]) -> None:
        thought = message.get("thinking")
        if thought and isinstance(thought, str):
            self._say(ReasoningDelta, thought)
        text = message.get("content")
        if text and isinstance(text, str):
            self._say(TextDelta, text)
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            for call in calls:
                self._call(call)

    def _say(self, kind: Kind, text: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._words.append(text)

    def _flush(self) -> None:
        """Turn the words collected so far into one event, without what PostgreSQL or an encoder refuses."""
        text = "".join(self._words)
        if not text.isascii() or "\0" in text:
            text = _clean(text)
        self._words.clear()
        if text:
            self._events.append(self._kind(text))

    def _call(self, call: object) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not (isinstance(function, dict) and isinstance(name, str)):
            return
        if len(self._calls) >= TOOL_LIMIT:
            self._fail(Garbled(f"The {self.where} asked for too many functions at once."))
            return
        arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
        self._calls.append(ToolCall(tool_call_id(_clean(name), len(self._calls)), _clean(name), _clean(arguments)))

    def _finish(self, part: dict[str, Any]) -> None:
        reason = part.get("done_reason")
        if reason in {"load", "unload"}:
            self._fail(Garbled(f"The {self.where} loaded the model but did not answer."))
            return
        self._flush()
        self._events += self._calls
        self._events.append(Usage(_count(part.get("prompt_eval_count")), _count(part.get("eval_count"))))
        self._events.append(Finished("length" if reason == "length" else "stop"))
        self.done = True

    def _fail(self, failure: ProviderError) -> None:
        self.failure = self.failure or failure

    def _garbled(self, line: bytes) -> None:
        seen = excerpt(line.decode("utf-8", "replace"))
        self._fail(Garbled(f"The {self.where} sent something that is not an answer: {seen}"))

    def _taken(self) -> list[Event]:
        if self._words:
            self._flush()
        events, self._events = self._events, []
        return events


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far the download of a model is: bytes of all its layers known so far, and Ollama's own word for the step."""

    status: str
    completed: int = 0
    total: int = 0


class Pulling:
    """Adds up the layers of a model that is being downloaded."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._status = ""

    def take(self, part: ProgressResponse) -> PullProgress:
        """The state after the next message."""
        self._status = part.status or self._status
        if part.digest and part.total:
            done = max(_count(part.completed, limit=part.total), self._layers.get(part.digest, (0, 0))[0])
            self._layers[part.digest] = (done, part.total)
        completed = sum(done for done, _ in self._layers.values())
        return PullProgress(self._status, completed, sum(total for _, total in self._layers.values()))

    def check(self, where: str) -> None:
        """Raise where the messages ended before the model was there."""
        if self._status != "success":
            raise Unreachable(f"The {where} broke off before the model was there.", hint="Pull again; it goes on.")


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _patiently(line: bytes) -> object:
    """JSON as the standard library reads it: it lets halves of characters pass. None where it is not JSON."""
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _clean(text: str) -> str:
    """Text that PostgreSQL and every encoder take."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _count(value: object, *, limit: int = COUNT_LIMIT) -> int:
    return min(max(value, 0), limit) if type(value) is int else 0
