"""Who asks Nitro something in a scenario: a visitor with a browser's cookie, a program with a key. Plain and cheap."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import orjson

PATIENCE = 120.0
CHAT, COMPLETIONS = "/api/chat/", "/v1/chat/completions"
FIRST = b'"content":"'


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response; `seconds` from the request to its last byte, `body` as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        """What it says; only for responses that were asked for without compression."""
        return orjson.loads(self.body)


@dataclass
class Client:
    """One connection that is kept open, with headers that every request carries."""

    port: int
    headers: Mapping[str, str]
    wire: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.wire = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Read a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.whole("GET", path, None, named)

    def post(self, path: str, body: Any) -> Answer:
        """Send JSON; raises `AssertionError` where it is not accepted."""
        answer = self.whole("POST", path, orjson.dumps(body), {"Content-Type": "application/json"})
        assert answer.status < 300, f"{path} answered {answer.status}: {answer.body[:300]!r}"
        return answer

    def whole(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Ask and read all of the answer."""
        began = time.perf_counter()
        response = self.begin(method, path, body, headers)
        read = response.read()
        seconds = time.perf_counter() - began
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, read, seconds)

    def begin(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        """Ask; once more where the server has closed a connection that nobody used for a while."""
        for last in (False, True):
            try:
                self.wire.request(method, path, body, {**self.headers, **headers})
                return self.wire.getresponse()
            except (HTTPException, ConnectionError):
                self.wire.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    # --- what people and programs want of Nitro ----------------------------------------------------------------------

    def chat(self, message: str, **more: Any) -> Answer:
        """A question over Nitro's own interface, in a new conversation."""
        return self.post(CHAT, {"message": message, **more})

    def completion(self, message: str, **more: Any) -> Answer:
        """The same over OpenAI's interface, answered as a whole."""
        return self.post(COMPLETIONS, asked(message, stream=False, **more))

    def first_word(self, message: str, *, path: str = COMPLETIONS, **more: Any) -> float:
        """Seconds to the first word of a stream, which is then read to its end."""
        body = orjson.dumps(asked(message, stream=True, **more))
        began, seen, first = time.perf_counter(), b"", 0.0
        response = self.begin("POST", path, body, {"Content-Type": "application/json"})
        assert response.status == 200, response.read()[:300]
        while piece := response.read1():
            seen = (seen + piece) if not first else b""
            if not first and has_word(seen):
                first = time.perf_counter() - began
        assert first, "the stream had no word"
        return first


def has_word(seen: bytes) -> bool:
    """Whether a piece of a stream holds any text."""
    return any(part[:1] not in (b'"', b"") for part in seen.split(FIRST)[1:])


def asked(message: str, *, stream: bool, **more: Any) -> dict[str, Any]:
    """A question in OpenAI's words, past Nitro's memory."""
    said = [{"role": "user", "content": message}]
    return {"model": "auto", "messages": said, "stream": stream, "cache": False, **more}


def visitor(port: int, cookie: str) -> Client:
    """Somebody at a browser that reads no compression, unless a request says otherwise."""
    return Client(port, {"Cookie": cookie, "Accept": "text/html"})


def program(port: int, key: str) -> Client:
    """A program with a key."""
    return Client(port, {"Authorization": f"Bearer {key}"})


def new_question() -> str:
    """A question that nobody has asked before."""
    return f"Tell me about number {uuid.uuid4().hex[:12]}, please."
