"""What makes answers come sooner: memory, streaming, shorter answers, a model nearby, one generation for equals."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Client, new_question
from benchmarks.household import free_port

SAME = "Write one friendly sentence about the sea."
ANSWER = ("--rate", "50", "--tokens", "50")  # a second for an answer
FAST = 400  # tokens per second of the model whose answers are limited
AWAY = 50  # milliseconds one way to a provider elsewhere
EQUALS = 8
SLOTS = 2


def asked_of(port: int) -> int:
    """How many answers a stand-in has begun since its start."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return int(found["started"])


def cached(stage: Stage) -> Pair:
    """The same question again and again; the baseline's web process keeps nothing."""
    port = stage.model(*ANSWER)
    forgetful = stage.program(stage.web({"CACHE_TTL": "0"}, model=port))
    keeping = stage.program(stage.web(model=port))
    keeping.chat(SAME)
    return Pair(again(forgetful, port), again(keeping, port))


def again(client: Client, port: int) -> Probe:
    """Ask what was asked before. The proof counts what reaches the model."""

    def sample() -> float:
        return client.chat(SAME).seconds * 1000

    def proof() -> Facts:
        before = asked_of(port)
        told = client.chat(SAME).json()
        return {"cached": told["cached"], "generations": asked_of(port) - before}

    return Probe(sample, proof)


def streamed(stage: Stage) -> Pair:
    """When a person can read the first word: with the whole answer, or before it."""
    house = stage.web(model=stage.model(*ANSWER))
    client = stage.program(house)

    def media(stream: bool) -> Facts:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], "stream": stream, "cache": False}
        return {"content_type": client.post("/v1/chat/completions", body).headers["content-type"].split(";")[0]}

    whole = Probe(lambda: client.completion(new_question()).seconds * 1000, lambda: media(False))
    first = Probe(lambda: client.first_word(new_question()) * 1000, lambda: media(True))
    return Pair(whole, first)


def limited(tokens: int) -> Scenario:
    """MAX_TOKENS at this many instead of 2,000, with a model that would say more."""

    def opening(stage: Stage) -> Pair:
        port = stage.model("--rate", str(FAST), "--tokens", "5000", "--limited")
        return Pair(*(up_to(stage.program(stage.web({"MAX_TOKENS": str(n)}, model=port))) for n in (2000, tokens)))

    return Scenario(
        name=f"tokens-{tokens}",
        title=f"A long answer, MAX_TOKENS {tokens}",
        switched=f"MAX_TOKENS: 2000 or {tokens}, with a stand-in of {FAST} tokens/s that always has more to say.",
        baseline="2000 tokens",
        optimised=f"{tokens} tokens",
        unit="s",
        open=opening,
        guide="100: 1-2 s, 500: 3-5 s, 2000: 10-15 s" + ("; 30-40 % faster with 500" if tokens == 500 else ""),
        groups=("chat",),
        pairs=3,
        warm_up=0,
        seconds=30,
    )


def up_to(client: Client) -> Probe:
    """An answer that ends where the limit is."""

    def proof() -> Facts:
        told = client.chat(new_question(), cache=False).json()
        return {"completion_tokens": told["usage"]["completion_tokens"], "finish_reason": told["finish_reason"]}

    return Probe(lambda: client.chat(new_question(), cache=False).seconds, proof)


def near(stage: Stage) -> Pair:
    """The same stand-in, straight or behind a line that takes its time."""
    port, line = stage.model(*ANSWER), free_port()
    words = ["--port", str(line), "--to", str(port), "--milliseconds", str(AWAY)]
    stage.start(["benchmarks.gains.distance", *words], lambda: is_open(line))
    far, here = (stage.program(stage.web(model=where)) for where in (line, port))
    return Pair(first_word(far, line), first_word(here, port))


def is_open(port: int) -> bool:
    """Whether something answers there."""
    try:
        asked_of(port)
    except OSError:
        return False
    return True


def first_word(client: Client, model: int) -> Probe:
    """Milliseconds to the first word; the proof is how far away the model is."""

    def proof() -> Facts:
        began = perf_counter()
        asked_of(model)
        return {"straight_ms": round((perf_counter() - began) * 1000, 1)}

    return Probe(lambda: client.first_word(new_question()) * 1000, proof)


def together(stage: Stage) -> Pair:
    """Equal questions at the same moment, each generated or all fed from one generation."""
    port = stage.model(*ANSWER)
    house = stage.web({"AI_SLOTS": f"openai={SLOTS}"}, model=port)
    clients = [stage.program(house) for _ in range(EQUALS)]
    crowd = stage.enter(ThreadPoolExecutor(EQUALS))

    def at_once(**more: bool) -> float:
        message, began = new_question(), perf_counter()
        list(crowd.map(lambda client: client.chat(message, **more), clients))
        return perf_counter() - began

    def counted(**more: bool) -> Facts:
        before = asked_of(port)
        at_once(**more)
        return {"generations": asked_of(port) - before}

    return Pair(
        Probe(lambda: at_once(cache=False), lambda: counted(cache=False)),
        Probe(at_once, counted),
    )


SCENARIOS = (
    Scenario(
        name="cache-chat",
        title="The same question again",
        switched="CACHE_TTL: 0 or as it comes, with a stand-in that takes a second for an answer.",
        baseline="fresh",
        optimised="from memory",
        unit="ms",
        open=cached,
        guide="90-95 % faster; 0.1-1 s",
        groups=("chat",),
    ),
    Scenario(
        name="stream",
        title="The first word to read",
        switched="Whether an answer is streamed, with a stand-in that takes a second for it.",
        baseline="whole",
        optimised="streamed",
        unit="ms",
        open=streamed,
        groups=("chat",),
    ),
    limited(500),
    limited(100),
    Scenario(
        name="local",
        title="The first word of a model nearby",
        switched=f"Where the model is: {AWAY} ms away in each direction, or on this machine.",
        baseline="remote",
        optimised="local",
        unit="ms",
        open=near,
        guide="50-70 % faster",
        groups=("chat",),
    ),
    Scenario(
        name="single-flight",
        title=f"{EQUALS} equal questions at once",
        switched=f"Whether equal questions share a generation, where the model answers {SLOTS} at once.",
        baseline="each alone",
        optimised="shared",
        unit="s",
        open=together,
        groups=("chat",),
        pairs=6,
        warm_up=1,
    ),
)
