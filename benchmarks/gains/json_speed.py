"""orjson against json: the frames and pages that Nitro writes most, and the lines of a model that it reads most."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.gains.scenario import Pair, Probe, Scenario
from benchmarks.gains.stage import Stage

ROUNDS = 2000
GUIDE = "3 to 5 times as fast as json"


def payloads() -> list[dict[str, Any]]:
    """What one answer writes: a delta with its HTML, the closing frame, and a page of a list of the API."""
    html = {"count": 3, "blocks": [[2, 180, "<p>The sea is <strong>wide</strong>, and the ships are small…</p>"]]}
    delta = {"type": "delta", "turn": str(uuid.UUID(int=7)), "seq": 117, "text": "The sea is **wide**, ", "html": html}
    usage = {"prompt_tokens": 211, "completion_tokens": 134, "total_tokens": 345}
    timing = {"first_token": 0.1873, "total": 4.2201, "tokens_per_second": 31.77, "queued": 0.0}
    done = {"type": "done", "turn": str(uuid.UUID(int=7)), "finish_reason": "stop", "usage": usage, "timing": timing}
    row = {"id": str(uuid.UUID(int=9)), "role": "assistant", "text": "One answer, über alles…\n" * 12, "usage": usage}
    return [delta, delta, delta, done, {"next": None, "previous": None, "results": [row] * 20}]


def chunks() -> list[bytes]:
    """What one answer reads: the lines of OpenAI's wire."""
    choice = {"index": 0, "delta": {"content": " wide"}, "finish_reason": None}
    line = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return [json.dumps(line).encode()] * 20


def timed(work: Callable[[], object]) -> float:
    """Microseconds of one round."""
    began = time.perf_counter()
    for _ in range(ROUNDS):
        work()
    return (time.perf_counter() - began) / ROUNDS * 1e6


def compact(value: object) -> bytes:
    """As json would write a frame: bytes, without spaces, as short as orjson's."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def writing(stage: Stage) -> Pair:
    """Both write the same values; the bytes are equal."""
    values = payloads()
    slow = Probe(lambda: timed(lambda: [compact(one) for one in values]), lambda: {"library": json.__name__})
    fast = Probe(lambda: timed(lambda: [orjson.dumps(one) for one in values]), lambda: {"library": orjson.__name__})
    return Pair(slow, fast)


def reading(stage: Stage) -> Pair:
    """Both read the same bytes."""
    lines = chunks()
    slow = Probe(lambda: timed(lambda: [json.loads(line) for line in lines]), lambda: {"library": json.__name__})
    fast = Probe(lambda: timed(lambda: [orjson.loads(line) for line in lines]), lambda: {"library": orjson.__name__})
    return Pair(slow, fast)


SCENARIOS = (
    Scenario(
        name="orjson-write",
        title="Writing JSON: frames of an answer and a page of a list",
        switched="The library that writes JSON.",
        baseline="json",
        optimised="orjson",
        unit="µs",
        open=writing,
        guide=GUIDE,
        groups=("server",),
    ),
    Scenario(
        name="orjson-read",
        title="Reading JSON: the lines of a streaming model",
        switched="The library that reads JSON.",
        baseline="json",
        optimised="orjson",
        unit="µs",
        open=reading,
        guide=GUIDE,
        groups=("server",),
    ),
)
