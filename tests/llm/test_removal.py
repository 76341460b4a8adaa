"""Models are taken off the disk, and from the lists of all processes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.core.errors import Invalid, NotAllowed
from apps.llm import pulls
from apps.llm.errors import ModelMissing
from apps.llm.removal import NotRemoved, model_remove
from nitro.process import wait_until
from tests import cast
from tests.llm.gguf_files import put
from tests.llm.ollama_thread import OllamaThread, ollama_thread

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def changes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each time that everybody is told of other models."""
    told: list[bool] = []

    async def models_changed() -> None:
        told.append(True)

    monkeypatch.setattr(pulls, "models_changed", models_changed)
    return told


@pytest.fixture
def ollama(settings: Settings) -> Iterator[OllamaThread]:
    with ollama_thread() as made:
        settings.OLLAMA_BASE_URL = made.server.url
        yield made


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.NITRO_HOME, settings.MODELS_SOCKET = tmp_path, tmp_path / "models.sock"
    return tmp_path


@pytest.fixture
def admin() -> User:
    return cast.admin()


def test_a_model_of_ollama_is_removed_there_and_everybody_is_told(
    ollama: OllamaThread, admin: User, changes: list[bool]
) -> None:
    model_remove(user=admin, choice="ollama:phi3")
    assert ollama.server.held == {}
    assert changes == [True]


def test_a_model_that_ollama_does_not_have_is_missing(ollama: OllamaThread, admin: User, changes: list[bool]) -> None:
    with pytest.raises(ModelMissing):
        model_remove(user=admin, choice="ollama:nonsense")
    assert changes == []


def test_nobody_else_removes_anything(ollama: OllamaThread, home: Path) -> None:
    path = put(home, "mine.gguf")
    for choice in ("ollama:phi3", "builtin:mine", "nonsense"):
        with pytest.raises(NotAllowed):
            model_remove(user=cast.alice(), choice=choice)
    assert ollama.server.held
    assert path.exists()


def test_all_parts_of_a_model_go_with_it(home: Path, admin: User) -> None:
    put(home, "big-00001-of-00002.gguf")
    put(home, "big-00002-of-00002.gguf", b"more")
    kept = put(home, "bigger.gguf")
    model_remove(user=admin, choice="builtin:big")
    assert list((home / "models").iterdir()) == [kept]


def test_a_file_that_the_disk_does_not_let_go_of_is_told(
    home: Path, admin: User, monkeypatch: pytest.MonkeyPatch, changes: list[bool]
) -> None:
    def unlink(self: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    put(home, "mine.gguf")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        with pytest.raises(NotRemoved, match="Read-only file system"):
            model_remove(user=admin, choice="builtin:mine")
    assert changes == []


@pytest.mark.parametrize("choice", ["", ":", "builtin:", "ollama", "gemini:flash", "openai:gpt-4o"])
def test_what_is_not_on_our_disks_is_refused(admin: User, choice: str) -> None:
    with pytest.raises(Invalid):
        model_remove(user=admin, choice=choice)


def test_a_model_that_runs_is_ended(home: Path, admin: User) -> None:
    put(home, "mine.gguf")
    asked: list[object] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(json.loads(await reader.readline()))
        writer.write(b"{}\n")
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_unix_server(talk, home / "models.sock"))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        model_remove(user=admin, choice="builtin:mine")
        assert wait_until(lambda: asked == [{"end": "mine"}], 30)
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
