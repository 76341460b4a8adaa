"""Models from files of the data folder, run for real by the built-in engine."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from apps.core.machine import Machine
from apps.llm.providers.builtin import BuiltIn
from nitro import embedded
from nitro.console import Console
from nitro.embedded import local
from nitro.embedded.local import LocalModels
from nitro.embedded.model import model_file
from tests.llm.asking import collect, failing, question, text_of, until
from tests.llm.gguf_files import put

SECONDS = 60.0


@pytest.fixture
async def models(tmp_path: Path) -> AsyncIterator[LocalModels]:
    """Two files of the shipped model under other names, and one that only looks like a model."""
    (tmp_path / "models").mkdir()
    for name in ("tiny", "other"):
        os.symlink(model_file(), tmp_path / "models" / f"{name}.gguf")
    put(tmp_path, "hollow.gguf")
    made = LocalModels(tmp_path, Console(io.StringIO()))
    await made.open()
    yield made
    await made.close()


async def answer(models: LocalModels, name: str) -> dict[str, Any]:
    """The first answer that is not "loading"."""
    told: dict[str, Any] = {}

    async def settled() -> bool:
        told.update(await models.ask(name))
        return bool(told["state"] != "loading")

    await until(settled, SECONDS)
    return told


async def test_the_socket_is_for_its_user_alone(models: LocalModels) -> None:
    mode = embedded.models_socket(models.home).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_the_modes_of_what_others_make_meanwhile_are_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(mask: int) -> int:
        raise AssertionError("The umask belongs to all threads.")

    monkeypatch.setattr(os, "umask", refused)
    made = LocalModels(tmp_path, Console(io.StringIO()))
    await made.open()
    await made.close()


async def test_a_name_without_a_file_is_missing(models: LocalModels) -> None:
    assert await models.ask("../../etc/passwd") == {"state": "missing"}


async def test_what_is_no_question_harms_nobody(models: LocalModels) -> None:
    for line in (b"nonsense\n", b"x" * 100_000 + b"\n", b"[]\n", b"\xff\n", b""):
        reader, writer = await asyncio.open_unix_connection(embedded.models_socket(models.home))
        writer.write(line)
        writer.write_eof()
        await reader.read()
        writer.close()
    assert await models.ask("nobody") == {"state": "missing"}


@pytest.mark.model
async def test_a_model_is_started_when_it_is_asked_for_and_talks(models: LocalModels) -> None:
    engine = BuiltIn("", home=str(models.home), control=str(embedded.models_socket(models.home)))
    assert {info.name for info in await engine.models() if not info.loaded} == {"hollow", "other", "tiny"}
    await failing(engine.stream(question(model="tiny")))
    await until(engine.ready, SECONDS)
    assert text_of(await collect(engine.stream(question("Say hello.", model="tiny", max_tokens=4))))
    assert {info.name for info in await engine.models() if info.loaded} == {"tiny"}
    await engine.close()


@pytest.mark.model
async def test_a_file_that_is_no_model_is_told_and_not_tried_for_ever(models: LocalModels) -> None:
    told = await answer(models, "hollow")
    assert told["state"] == "failed"
    assert "hollow" in told["message"]
    assert models.running == {}


def room(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    monkeypatch.setattr("apps.core.machine.machine", lambda: Machine(cores=2, memory=2**34, available=available))


async def test_what_does_not_fit_is_not_started(models: LocalModels, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 100_000_000)
    told = await models.ask("tiny")
    assert told["state"] == "too_large"
    assert "100 MB are free" in told["message"]
    assert models.running == {}


@pytest.mark.model
async def test_an_idle_model_makes_room_for_another_one(models: LocalModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "QUIET_SECONDS", 0.0)
    assert (await answer(models, "tiny"))["state"] == "ready"
    rooms = iter([100_000_000])
    monkeypatch.setattr(
        "apps.core.machine.machine", lambda: Machine(cores=2, memory=2**34, available=next(rooms, 2**33))
    )
    await models.ask("other")
    assert set(models.running) == {"other"}


@pytest.mark.model
async def test_a_model_that_somebody_waits_for_makes_no_room(
    models: LocalModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "QUIET_SECONDS", 0.0)
    await models.ask("tiny")
    room(monkeypatch, 800_000_000)
    told = await models.ask("other")
    assert (told["state"], set(models.running)) == ("too_large", {"tiny"})


@pytest.mark.model
async def test_memory_that_the_system_does_not_count_is_counted(models: LocalModels) -> None:
    await models.ask("tiny")
    server, _ = models.running["tiny"]
    before = server.hidden
    await answer(models, "tiny")
    assert 0 < server.hidden == server.model.size < before


@pytest.mark.model
async def test_an_idle_model_ends_by_itself(models: LocalModels, monkeypatch: pytest.MonkeyPatch) -> None:
    await models.close()
    monkeypatch.setattr(local, "LOOK_SECONDS", 0.05)
    await models.open()
    assert (await answer(models, "tiny"))["state"] == "ready"
    monkeypatch.setattr(local, "IDLE_SECONDS", 0.0)
    await until(lambda: not models.running, SECONDS)


@pytest.mark.model
async def test_a_model_whose_file_is_removed_ends(models: LocalModels) -> None:
    assert (await answer(models, "tiny"))["state"] == "ready"
    await models.end("tiny")
    assert models.running == {}


@pytest.mark.model
async def test_a_model_that_is_killed_comes_back(models: LocalModels) -> None:
    assert (await answer(models, "tiny"))["state"] == "ready"
    _, keeper = models.running["tiny"]
    assert keeper.child is not None
    keeper.child.kill()
    await until(lambda: keeper.child is None, SECONDS)
    assert (await answer(models, "tiny"))["state"] == "ready"


def test_the_socket_lies_where_the_settings_say(tmp_path: Path) -> None:
    assert embedded.models_socket(tmp_path) == embedded.run_folder(tmp_path) / "models.sock"
