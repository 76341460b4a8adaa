"""Real models on this machine: several questions at once, a model that is loaded already, smaller weights."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from apps.core.machine import machine
from apps.llm.local import LocalModel, local_files
from benchmarks.gains.scenario import Pair, Probe, Scenario, Skipped
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Answer
from nitro.embedded.model import Model
from nitro.process import end, spawn, wait_until

PATIENCE = 120.0
THINGS = ("rain", "bread", "owls", "trains")
OPTIONS = {"max_tokens": 16}
STORY = {"messages": [{"role": "user", "content": "Tell me a story of the sea."}], "temperature": 0}
NONE = (
    "There are no two quantisations of one model here. Put two GGUF files of it into the data folder's `models`, or "
    "pull both with Ollama."
)


def batched(stage: Stage) -> Pair:
    """Four questions one after the other, or as one batch, to the model that Nitro brings along."""
    settings = {"AI_MODEL": "builtin", "BUILTIN_MODEL_URL": stage.builtin()}
    client = stage.program(stage.web(settings))
    questions = [{"message": f"Write a sentence about {it}.", "options": OPTIONS, "cache": False} for it in THINGS]

    def alone() -> list[Answer]:
        return [client.post("/api/chat/", question) for question in questions]

    def together() -> list[Answer]:
        answer = client.post("/api/chat/batch/", {"requests": questions})
        assert {one["status"] for one in answer.json()["results"]} == {200}
        return [answer]

    def probe(work: Callable[[], list[Answer]]) -> Probe:
        requests: list[int] = []

        def sample() -> float:
            answers = work()
            requests.append(len(answers))
            return sum(answer.seconds for answer in answers)

        return Probe(sample, lambda: {"requests": requests[-1]})

    return Pair(probe(alone), probe(together))


def warmed(stage: Stage) -> Pair:
    """The first word straight from the built-in model: its process is started for the question, or runs already."""
    running = stage.builtin()

    def cold() -> float:
        model, began = Model(stage.home), time.perf_counter()
        assert not model.ready(), "the model runs already"
        child = spawn(model.program())
        try:
            assert wait_until(model.ready, PATIENCE), "the model did not start"
            first_word(model.url)
            return time.perf_counter() - began
        finally:
            end(child, signal.SIGKILL, 5)

    return Pair(
        Probe(cold, lambda: {"started": not is_there(Model(stage.home).url)}),
        Probe(lambda: first_word(running), lambda: {"started": not is_there(running)}),
    )


def is_there(url: str) -> bool:
    """Whether a model answers at this address before anybody asks for an answer."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(url: str, body: dict[str, Any]) -> HTTPResponse:
    """A question straight to a model server."""
    said, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/chat/completions", said, kind)  # noqa: S310 (a configured address)
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=PATIENCE)  # noqa: S310
    return answer


def first_word(url: str) -> float:
    """Seconds to the first word."""
    began = time.perf_counter()
    with ask(url, {**STORY, "model": "builtin", "max_tokens": 1, "stream": True}) as answer:
        answer.read()
    return time.perf_counter() - began


# --- quantisations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Build:
    """One packing of a model. `kin` is equal for all packings of the same one, `bits` orders them."""

    name: str
    kin: str
    quantisation: str
    size: int
    file: LocalModel | None = None

    @property
    def bits(self) -> int:
        """How many bits a weight takes, by the name: Q4_K_M takes 4, F16 takes 16."""
        digits = re.search(r"[0-9]+", self.quantisation)
        return int(digits[0]) if digits else 0


def builds(stage: Stage) -> list[Build]:
    """What could be compared here: files in the data folder, and what Ollama has."""
    found = [
        Build(one.name, f"file {one.head.architecture} {one.head.parameters}", one.head.quantisation, one.size, one)
        for one in (local_files(stage.installed).models if stage.installed else ())
        if one.head.talks and one.head.parameters
    ]
    return found + list(pulled(stage.ollama))


def pulled(url: str) -> Iterator[Build]:
    """The models of an Ollama; none where there is no Ollama."""
    try:
        with urllib.request.urlopen(f"{url}/api/tags", timeout=2) as answer:  # noqa: S310 (a configured address)
            models = json.load(answer)["models"]
    except (OSError, ValueError, KeyError):
        return
    for one in models:
        told = one.get("details") or {}
        kin = f"ollama {told.get('family')} {told.get('parameter_size')}"
        yield Build(one["name"], kin, told.get("quantization_level") or "", one.get("size", 0))


def two(found: Sequence[Build]) -> tuple[Build, Build]:
    """The widest and the narrowest packing of the smallest model that has two. Raises `Skipped`."""
    kin: dict[str, list[Build]] = {}
    for one in found:
        kin.setdefault(one.kin, []).append(one)
    pairs = [(max(of, key=lambda b: b.bits), min(of, key=lambda b: b.bits)) for of in kin.values()]
    pairs = [pair for pair in pairs if pair[0].bits > pair[1].bits > 0]
    if not pairs:
        raise Skipped(NONE)
    return min(pairs, key=lambda pair: pair[0].size)


def quantised(stage: Stage) -> Pair:
    """Tokens per second with wide and with narrow weights, straight from the engine."""
    wide, narrow = two(builds(stage))
    if wide.size + narrow.size > machine().available:
        raise Skipped(f"There is not enough memory for {wide.name} and {narrow.name} at once.")
    return Pair(speaking(stage, wide), speaking(stage, narrow))


def speaking(stage: Stage, build: Build) -> Probe:
    """One packing, loaded."""
    url = f"{stage.ollama}/v1" if build.file is None else stage.builtin(build.file)

    def sample() -> float:
        began = time.perf_counter()
        with ask(url, {**STORY, "model": build.name, "max_tokens": 64}) as answer:
            tokens: int = json.load(answer)["usage"]["completion_tokens"]
        return tokens / (time.perf_counter() - began)

    return Probe(sample, lambda: {"quantisation": build.quantisation, "size": build.size})


SCENARIOS = (
    Scenario(
        name="batch",
        title="Four questions to the built-in model",
        switched="Whether they are sent one after the other or as one batch.",
        baseline="one by one",
        optimised="batch",
        unit="s",
        open=batched,
        guide="30-50 % faster",
        groups=("models",),
        pairs=5,
        warm_up=1,
        seconds=60,
    ),
    Scenario(
        name="warm-model",
        title="The first word of the built-in model",
        switched="Whether the model's process is started for the question or runs already.",
        baseline="cold",
        optimised="warm",
        unit="s",
        open=warmed,
        groups=("models",),
        pairs=5,
        warm_up=1,
    ),
    Scenario(
        name="quantisation",
        title="The speed of a model with narrow weights",
        switched="How many bits a weight of the same model takes.",
        baseline="wide",
        optimised="narrow",
        unit="tokens/s",
        better="more",
        open=quantised,
        guide="q4_0: 2 × as fast; q8_0: 1.5 ×",
        groups=("models",),
        pairs=5,
        warm_up=1,
        seconds=90,
    ),
)
