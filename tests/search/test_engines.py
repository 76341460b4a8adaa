"""Every engine against a server that speaks its wire, and the chain that asks one after the other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from apps.core import memory
from apps.search import finding, registry
from apps.search.chain import Chain
from apps.search.providers.base import (
    Engine,
    EngineAway,
    EngineError,
    EngineGarbled,
    EngineLimited,
    EngineRefused,
)
from apps.search.providers.brave import Brave
from apps.search.providers.duckduckgo import DuckDuckGo
from apps.search.providers.gemini import Gemini
from apps.search.providers.searxng import SearXNG
from apps.search.resting import SharedRests
from apps.search.values import Result
from tests.core.outside.servers import Local, local, page
from tests.search.web import Stub

EXPECTED = [Result("https://a.example/", "A", "About a"), Result("https://b.example/", "B", "About b")]
SEARXNG = {
    "results": [
        {"url": "https://a.example/", "title": "A", "content": "About a"},
        {"url": "https://b.example/", "title": "B", "content": "About b"},
    ]
}
BRAVE = {
    "web": {
        "results": [
            {"url": "https://a.example/", "title": "A", "description": "About <strong>a</strong>"},
            {"url": "https://b.example/", "title": "B", "description": "About b"},
        ]
    }
}
GEMINI = {
    "candidates": [
        {
            "content": {"parts": [{"text": "About a. About b."}]},
            "groundingMetadata": {
                "groundingChunks": [
                    {"web": {"uri": "https://a.example/", "title": "A"}},
                    {"web": {"uri": "https://b.example/", "title": "B"}},
                ],
                "groundingSupports": [
                    {"segment": {"text": "About a"}, "groundingChunkIndices": [0]},
                    {"segment": {"text": "About b"}, "groundingChunkIndices": [1]},
                ],
            },
        }
    ]
}
DUCK = b"""<html><body><div class="serp__results"><div id="links">
<div class="links_main links_deep result__body"><h2><a href="https://a.example/">A</a></h2>
<a href="https://a.example/">About a</a></div>
<div class="links_main links_deep result__body"><h2><a href="https://b.example/">B</a></h2>
<a href="https://b.example/">About b</a></div></div></div></body></html>"""
Build = Callable[[str], Engine]
WIRES = [
    pytest.param(SearXNG, page(json.dumps(SEARXNG).encode(), media="application/json"), id="searxng"),
    pytest.param(lambda url: Brave("key", url), page(json.dumps(BRAVE).encode(), media="application/json"), id="brave"),
    pytest.param(
        lambda url: Gemini("key", "gemini-x", url),
        page(json.dumps(GEMINI).encode(), media="application/json"),
        id="gemini",
    ),
    pytest.param(lambda url: DuckDuckGo({"duckduckgo": f"{url}/html/"}), page(DUCK), id="ddgs"),
]
BUILDS = [pytest.param(one.values[0], id=one.id) for one in WIRES]


def base(server: Local) -> str:
    return server.url("")


@pytest.mark.parametrize(("build", "answer"), WIRES)
async def test_results_come_in_order_with_title_and_snippet(build: Build, answer: bytes) -> None:
    async with local(**{"*": answer}) as server:
        assert await build(base(server)).search("bridges & arches", 5) == EXPECTED
    assert b"bridges" in server.heads[0] + b"".join(server.bodies)


@pytest.mark.parametrize(("build", "answer"), WIRES)
async def test_no_more_results_come_than_were_asked_for(build: Build, answer: bytes) -> None:
    async with local(**{"*": answer}) as server:
        assert await build(base(server)).search("x", 1) == EXPECTED[:1]


async def test_addresses_of_geminis_that_only_lead_to_pages_are_known_as_such() -> None:
    chunks = [{"web": {"uri": f"https://vertexaisearch.cloud.google.com/{n}", "title": "a.example"}} for n in range(6)]
    said = {"candidates": [{"groundingMetadata": {"groundingChunks": chunks}}]}
    async with local(**{"*": page(json.dumps(said).encode(), media="application/json")}) as server:
        found = await Gemini("key", "m", base(server)).search("x", 6)
    assert [one.forwards for one in found] == [True] * 6
    assert len(finding._results([], found)) == 6


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Status", "Content-Length: 0", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [(status(429), EngineLimited), (status(202), EngineLimited), (status(500), EngineAway), (b"", EngineAway)],
)
async def test_what_goes_wrong_has_a_name(build: Build, answer: bytes, kind: type[EngineError]) -> None:
    async with local(**{"*": answer}) as server:
        if not answer:
            server.answers["/*"] = b"\r\n"
        with pytest.raises(kind):
            await build(base(server)).search("x", 5)


@pytest.mark.parametrize("build", BUILDS)
async def test_a_server_that_is_not_there_is_away(build: Build) -> None:
    async with local() as server:
        pass
    with pytest.raises(EngineAway):
        await build(base(server)).search("x", 5)


@pytest.mark.parametrize("build", BUILDS[:3])
async def test_a_wrong_key_is_refused(build: Build) -> None:
    async with local(**{"*": status(403)}) as server:
        with pytest.raises(EngineRefused):
            await build(base(server)).search("x", 5)


@pytest.mark.parametrize("build", BUILDS[:3])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"'])
async def test_something_else_than_the_wire_is_garbled(build: Build, body: bytes) -> None:
    async with local(**{"*": page(body)}) as server:
        with pytest.raises(EngineGarbled):
            await build(base(server)).search("x", 5)


@pytest.mark.parametrize("build", BUILDS[:3])
@pytest.mark.parametrize(
    "body", [b"{}", b'{"results": 5, "web": 5, "candidates": 5}', b'{"results": [1], "candidates": [{}]}']
)
async def test_json_of_another_shape_holds_no_results(build: Build, body: bytes) -> None:
    async with local(**{"*": page(body)}) as server:
        assert await build(base(server)).search("x", 5) == []


async def test_keys_travel_in_headers_and_never_in_the_address() -> None:
    answer = page(b"{}", media="application/json")
    async with local(**{"*": answer}) as server:
        await Brave("s3cret", base(server)).search("x", 5)
        await Gemini("s3cret", "m", base(server)).search("x", 5)
    lines = [head.split(b"\r\n")[0] for head in server.heads]
    assert all(b"s3cret" in head for head in server.heads)
    assert not any(b"s3cret" in line for line in lines)


async def test_where_duckduckgo_limits_another_engine_of_the_package_answers() -> None:
    mojeek = b"""<html><body><ul class="results-standard"><li><h2><a href="https://a.example/">A</a></h2>
    <p class="s">About a</p></li></ul></body></html>"""
    async with local(html=status(202), other=page(mojeek)) as server:
        engine = DuckDuckGo({"duckduckgo": server.url("/html"), "mojeek": server.url("/other")})
        found = await engine.search("x", 5)
    assert server.hits == 2
    assert isinstance(found, list)


# --- the chain --------------------------------------------------------------------------------------------------------


async def test_the_next_engine_is_asked_where_one_fails() -> None:
    first, second = Stub(failure=EngineLimited("Enough.")), Stub(EXPECTED)
    answered = await Chain([first, second]).search("x", 5)
    assert (list(answered.results), len(answered.problems)) == (EXPECTED, 1)


async def test_an_engine_that_limits_is_left_alone_for_a_while() -> None:
    first, second = Stub(failure=EngineLimited("Enough.")), Stub(EXPECTED)
    chain = Chain([first, second])
    for _ in range(3):
        await chain.search("x", 5)
    assert (len(first.asked), len(second.asked)) == (1, 3)


async def test_no_engine_is_asked_more_often_than_it_takes() -> None:
    slow = Stub(EXPECTED)
    slow.per_minute = 2
    chain = Chain([slow])
    engines = [(await chain.search("x", 5)).engine for _ in range(4)]
    assert engines == ["stub", "stub", "", ""]


async def test_all_processes_together_ask_no_engine_more_often_than_it_takes() -> None:
    engine = Stub(EXPECTED)
    engine.kind, engine.per_minute = f"stub-{uuid.uuid4()}", 2
    here, there = Chain([engine], registry.everywhere), Chain([engine], registry.everywhere)
    answered = [await chain.search("x", 5) for chain in (here, there, here, there)]
    assert [bool(one.engine) for one in answered] == [True, True, False, False]
    assert isinstance(answered[2].problems[0], EngineLimited)
    assert len(engine.asked) == 2


async def test_an_engine_that_limits_one_process_is_left_alone_by_all() -> None:
    limiting = Stub(failure=EngineLimited("Enough.", retry_after=40.0))
    limiting.kind = f"stub-{uuid.uuid4()}"
    here, there = (Chain([limiting], registry.everywhere, SharedRests()) for _ in range(2))
    answered = [await chain.search("x", 5) for chain in (here, there, here, there)]
    assert len(limiting.asked) == 1
    assert 30 < (answered[1].problems[0].retry_after or 0) <= 40


async def test_the_rest_of_an_engine_is_longer_for_every_process_that_it_limits() -> None:
    kind = f"stub-{uuid.uuid4()}"
    assert [await SharedRests().begin(kind, 1, 0.0) for _ in range(3)] == [30.0, 60.0, 120.0]
    await SharedRests().end(kind)
    assert await SharedRests().left(kind) == 0
    assert await SharedRests().begin(kind, 1, 0.0) == 30.0


async def test_without_redis_a_process_remembers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "outage", SimpleNamespace(is_on=True))
    limiting = Stub(failure=EngineLimited("Enough."))
    chain = Chain([limiting], registry.everywhere, SharedRests())
    for _ in range(3):
        await chain.search("x", 5)
    assert len(limiting.asked) == 1


async def test_offline_is_where_nobody_can_be_reached() -> None:
    away = await Chain([Stub(failure=EngineAway("No line.")), Stub(failure=EngineAway("No line."))]).search("x", 5)
    refused = await Chain([Stub(failure=EngineAway("No line.")), Stub(failure=EngineRefused("No."))]).search("x", 5)
    nobody = await Chain([]).search("x", 5)
    assert (away.offline, refused.offline, nobody.offline) == (True, False, False)


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ({}, ["ddgs"]),
        ({"SEARXNG_URL": "http://s.example", "BRAVE_API_KEY": "k", "GEMINI_API_KEY": "g"},
         ["searxng", "brave", "gemini", "ddgs"]),
        ({"SEARCH_ENGINE": "brave", "BRAVE_API_KEY": "k"}, ["brave"]),
        ({"SEARCH_ENGINE": "library", "BRAVE_API_KEY": "k"}, []),
        ({"SEARCH_ENGINE": "searxng"}, []),
    ],
)  # fmt: skip
def test_the_settings_say_who_is_asked(settings: Settings, given: dict[str, str], kinds: list[str]) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert [engine.kind for engine in registry.engines()] == kinds
