"""The built-in engine: its small model, and models that somebody else starts for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from apps.llm.errors import Loading, ModelMissing, Refused, Rejected, Unreachable
from apps.llm.providers.builtin import BuiltIn, from_settings
from apps.llm.settings import LlmSettings
from benchmarks.standin import StandIn
from tests.llm.asking import collect, failing, question, text_of
from tests.llm.gguf_files import LLAMA, gguf, put


class Supervisor:
    """Answers at the control socket as it is told, one answer after the other, the last one again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: list[Any] = [{"state": "missing"}]
        self.running: list[str] = []
        self.asked: list[dict[str, str]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = orjson.loads(await reader.readline())
        self.asked.append(question)
        answer = {"running": self.running}
        if "model" in question:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(orjson.dumps(answer) + b"\n")
        writer.close()


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path / "models.sock")
    server = await asyncio.start_unix_server(made.talk, made.path)
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def engine(supervisor: Supervisor, standin: StandIn, tmp_path: Path) -> AsyncIterator[BuiltIn]:
    put(tmp_path, "mine.gguf")
    made = BuiltIn(standin.url, home=str(tmp_path), control=str(supervisor.path))
    yield made
    await made.close()


async def test_the_small_model_comes_first_and_the_files_behind_it(engine: BuiltIn, supervisor: Supervisor) -> None:
    supervisor.running = ["mine"]
    found = await engine.models()
    assert found[0].name != "mine"
    mine = found[-1]
    assert (mine.name, mine.context_window, mine.quantisation, mine.loaded) == ("mine", 4096, "Q4_K_M", True)
    assert mine.abilities == {"completion"}


async def test_the_small_model_says_that_it_calls_no_functions(engine: BuiltIn) -> None:
    """Its template has no place for them: llama.cpp would leave them out without a word."""
    tool = {"type": "function", "function": {"name": "weather"}}
    asked = replace(question("Rain?"), model="smollm2", tools=(tool,))
    said, failure = await failing(engine.stream(asked))
    assert (said, type(failure)) == ([], Rejected)
    assert "tools" in failure.hint


async def test_files_that_cannot_talk_are_not_offered(engine: BuiltIn, tmp_path: Path) -> None:
    put(tmp_path, "embedder.gguf", gguf(LLAMA | {"general.architecture": "bert"}))
    assert "embedder" not in {info.name for info in await engine.models()}


async def test_the_small_model_answers_without_anybody_being_asked(engine: BuiltIn, supervisor: Supervisor) -> None:
    name = (await engine.models())[0].name
    supervisor.asked.clear()
    assert text_of(await collect(engine.stream(question(model=name)))).startswith("t00001")
    assert supervisor.asked == []


async def test_the_model_that_was_chosen_answers_before_it_has_told_its_name(
    supervisor: Supervisor, standin: StandIn, tmp_path: Path
) -> None:
    put(tmp_path, "mine.gguf")  # which is not loaded a second time
    engine = BuiltIn(standin.url, name="mine", home=str(tmp_path), control=str(supervisor.path))
    assert text_of(await collect(engine.stream(question(model="mine")))).startswith("t00001")
    assert supervisor.asked == []
    await engine.close()


async def test_a_file_answers_where_the_supervisor_says(
    engine: BuiltIn, supervisor: Supervisor, standin: StandIn
) -> None:
    supervisor.answers = [{"state": "ready", "url": standin.url}]
    assert text_of(await collect(engine.stream(question(model="mine")))).startswith("t00001")
    assert supervisor.asked == [{"model": "mine"}]


async def test_a_model_that_is_being_loaded_is_waited_for(
    engine: BuiltIn, supervisor: Supervisor, standin: StandIn
) -> None:
    loading = {"state": "loading"}
    supervisor.answers = [loading, loading, {"state": "ready", "url": standin.url}]
    assert isinstance((await failing(engine.stream(question(model="mine"))))[1], Loading)
    assert [await engine.ready(), await engine.ready()] == [False, True]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"state": "missing"}, ModelMissing, "model_missing"),
        ({"state": "too_large", "message": "It takes 9 GB."}, Refused, "model_too_large"),
        ({"state": "failed", "message": "The model mine could not be loaded."}, Refused, "model_broken"),
        ({}, ModelMissing, "model_missing"),
        ([], ModelMissing, "model_missing"),
    ],
)
async def test_what_stands_in_the_way_is_told(
    engine: BuiltIn, supervisor: Supervisor, answer: Any, kind: type[Exception], code: str
) -> None:
    supervisor.answers = [answer]
    failure = (await failing(engine.stream(question(model="mine"))))[1]
    assert isinstance(failure, kind)
    assert (failure.code, failure.permanent) == (code, True)
    assert failure.hint


async def test_a_name_that_nobody_has_is_missing(engine: BuiltIn) -> None:
    await engine.models()
    assert isinstance((await failing(engine.stream(question(model="nobodys"))))[1], ModelMissing)


async def test_without_a_supervisor_there_is_the_small_model_alone(standin: StandIn, tmp_path: Path) -> None:
    put(tmp_path, "mine.gguf")
    engine = BuiltIn(standin.url, home=str(tmp_path))
    assert "mine" not in {info.name for info in await engine.models()}
    await engine.close()


async def test_a_supervisor_that_has_gone_costs_its_own_models_only(standin: StandIn, tmp_path: Path) -> None:
    put(tmp_path, "mine.gguf")
    engine = BuiltIn(standin.url, home=str(tmp_path), control=str(tmp_path / "gone.sock"))
    listed = await engine.models()
    assert text_of(await collect(engine.stream(question(model=listed[0].name))))
    assert isinstance((await failing(engine.stream(question(model="mine"))))[1], Unreachable)
    await engine.close()


async def test_an_engine_without_any_model_says_so() -> None:
    engine = BuiltIn("")
    assert await engine.models() == []
    assert await engine.ready()
    assert isinstance((await failing(engine.stream(question())))[1], Unreachable)


def test_an_engine_is_made_where_something_could_answer(tmp_path: Path) -> None:
    (tmp_path / "models.sock").touch()
    assert [made.kind for made in from_settings(LlmSettings(builtin_model_url="http://a/v1"))] == ["builtin"]
    assert len(from_settings(LlmSettings(models_socket=str(tmp_path / "models.sock")))) == 1
    assert from_settings(LlmSettings(models_socket=str(tmp_path / "none"))) == from_settings(LlmSettings()) == []
