"""Every scenario is honest: what it switches is really off in its baseline and really on in the other side.

Each opens on real processes, takes one sample of both sides, and lets both prove what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchmarks.gains import chats, engines, image
from benchmarks.gains.engines import Build, two
from benchmarks.gains.registry import NAMES, scenario
from benchmarks.gains.scenario import Facts, Skipped
from benchmarks.gains.stage import Stage
from tests.benchmarks.test_media import SWITCHED

Check = Callable[[Facts, Facts], bool]
THINGS: dict[str, Check] = {
    "debug-page": lambda off, on: (off["debug"], on["debug"]) == (True, False),
    "debug-answer": lambda off, on: (off["debug"], on["debug"]) == (True, False),
    "cache-chat": lambda off, on: (
        (off["cached"], off["generations"], on["cached"], on["generations"]) == (False, 1, True, 0)
    ),
    "stream": lambda off, on: (off["content_type"], on["content_type"]) == ("application/json", "text/event-stream"),
    "tokens-500": lambda off, on: (off["completion_tokens"], on["completion_tokens"]) == (2000, 500),
    "tokens-100": lambda off, on: (off["completion_tokens"], on["completion_tokens"]) == (2000, 100),
    "local": lambda off, on: number(off["straight_ms"]) >= 2 * chats.AWAY > number(on["straight_ms"]),
    "single-flight": lambda off, on: (off["generations"], on["generations"]) == (chats.EQUALS, 1),
    "batch": lambda off, on: (off["requests"], on["requests"]) == (4, 1),
    "warm-model": lambda off, on: (off["started"], on["started"]) == (True, False),
    "gzip-bytes": lambda off, on: (off["content_encoding"], on["content_encoding"]) == ("none", "gzip"),
    "brotli-bytes": lambda off, on: (off["content_encoding"], on["content_encoding"]) == ("none", "br"),
    "gzip-time": lambda off, on: (off["content_encoding"], on["content_encoding"]) == ("none", "gzip"),
    "brotli-time": lambda off, on: (off["content_encoding"], on["content_encoding"]) == ("none", "br"),
    "orjson-write": lambda off, on: (off["library"], on["library"]) == ("json", "orjson"),
    "orjson-read": lambda off, on: (off["library"], on["library"]) == ("json", "orjson"),
    "lazy-import": lambda off, on: (off["client_library_loaded"], on["client_library_loaded"]) == (True, False),
    "pool": lambda off, on: (
        number(off["new_connections_per_request"]) >= 1 > 0.6 > number(on["new_connections_per_request"])
    ),
    "workers": lambda off, on: (off["web_processes"], on["web_processes"]) == (1, 2),
    "workers-guide": lambda off, on: off["web_processes"] == 2 and number(on["web_processes"]) > 2,
    "long-page-100": lambda off, on: (off["messages"], on["messages"]) == (100, 10),
    "long-page-1000": lambda off, on: (off["messages"], on["messages"]) == (1000, 10),
    "long-start-100": lambda off, on: (off["messages"], on["messages"]) == (100, 10),
    "long-start-1000": lambda off, on: (off["messages"], on["messages"]) == (1000, 10),
}
ELSEWHERE = {"quantisation", "docker-image"}  # need models or an engine that a machine may not have


def number(fact: object) -> float:
    assert isinstance(fact, int | float)
    return float(fact)


@pytest.fixture(scope="module")
def running() -> Iterator[Stage]:
    with Stage() as one:
        yield one


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    yield running
    running.clear()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", THINGS)
def test_what_it_switches_is_really_off_in_the_baseline(stage: Stage, name: str) -> None:
    pair = scenario(name).open(stage)
    assert pair.baseline.sample() > 0
    assert pair.optimised.sample() > 0
    off, on = pair.baseline.proof(), pair.optimised.proof()
    assert THINGS[name](off, on), (off, on)


def test_two_packings_of_one_model_are_compared_and_not_two_models() -> None:
    built = [
        Build("a-q8", "file a 1000", "Q8_0", 8),
        Build("b-q4", "file b 1000", "Q4_0", 3),
        Build("a-q4", "file a 1000", "Q4_K_M", 4),
        Build("c-16", "file c 1000", "F16", 99),
        Build("c-4", "file c 1000", "Q4_0", 25),
    ]
    assert [one.name for one in two(built)] == ["a-q8", "a-q4"]


@pytest.mark.parametrize("built", [[], [Build("a", "k", "Q4_0", 1)], [Build("a", "k", "Q4_0", 1)] * 2])
def test_without_two_packings_it_says_what_to_get(built: list[Build]) -> None:
    with pytest.raises(Skipped, match="Put two GGUF files"):
        two(built)


def test_an_ollama_that_is_not_there_has_no_models() -> None:
    assert list(engines.pulled("http://127.0.0.1:9")) == []


def test_without_a_container_engine_the_image_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(Skipped, match="no container engine"):
        image.engine()


def test_an_engine_without_the_image_says_how_to_make_it() -> None:
    with pytest.raises(Skipped, match="docker build --target build"):
        image.size("/bin/false", image.WHOLE)


def test_no_scenario_goes_without_its_proof() -> None:
    assert set(NAMES) == set(THINGS) | ELSEWHERE | set(SWITCHED)
