"""The command line of `nitro up`, and what the settings say where it is silent."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nitro.console import Console
from nitro.embedded.errors import ServiceError
from nitro.holder import Holder
from nitro.supervisor import Supervisor, parse, supervise
from tests.llm.gguf_files import put


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        yield made


PLAIN = {
    "EMBEDDED_DATABASE": False,
    "EMBEDDED_REDIS": False,
    "AI_MODEL": "auto",
    "AI_FALLBACK": [],
    "BUILTIN_MODEL": "",
    "BUILTIN_MODEL_URL": "",
    "ALLOWED_HOSTS": ["localhost"],
    "LOG_FORMAT": "text",
    "WEB_WORKERS": 1,
}


def chosen(home: Path, **settings: Any) -> Any:
    return SimpleNamespace(NITRO_HOME=home, **PLAIN | settings)


def made(home: Path, listening: socket.socket, **settings: Any) -> Supervisor:
    return Supervisor(chosen(home, **settings), listening, 2, Console(io.StringIO()))


def test_the_number_of_web_processes_is_left_to_the_settings() -> None:
    assert parse([]).workers is None
    assert parse(["--workers", "3"]).workers == 3


@pytest.mark.parametrize("number", ["0", "65", "-1", "many"])
def test_a_senseless_number_of_web_processes_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--workers", number])
    assert "--workers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, True),
        ({"AI_MODEL": "builtin"}, True),
        ({"AI_MODEL": "ollama"}, False),
        ({"AI_MODEL": "ollama", "AI_FALLBACK": ["builtin"]}, True),
        ({"BUILTIN_MODEL_URL": "http://elsewhere/v1"}, False),
    ],
)
def test_the_small_model_runs_where_it_could_be_asked(
    tmp_path: Path, listening: socket.socket, settings: dict[str, Any], wanted: bool
) -> None:
    assert (made(tmp_path, listening, **settings).model is not None) is wanted


def test_models_from_files_are_run_wherever_nobody_else_runs_a_built_in_engine(
    tmp_path: Path, listening: socket.socket
) -> None:
    assert made(tmp_path, listening, AI_MODEL="ollama").local_models is not None
    assert made(tmp_path, listening, BUILTIN_MODEL_URL="http://elsewhere/v1").local_models is None


def test_a_file_takes_the_small_models_place(tmp_path: Path, listening: socket.socket) -> None:
    put(tmp_path, "mine.gguf")
    keeper = made(tmp_path, listening, BUILTIN_MODEL="mine").model
    assert keeper is not None
    assert "mine" in keeper.service.program().argv


def test_a_file_that_is_not_there_stops_the_start_with_one_sentence(tmp_path: Path, listening: socket.socket) -> None:
    with pytest.raises(ServiceError, match="BUILTIN_MODEL is 'mine'"):
        made(tmp_path, listening, BUILTIN_MODEL="mine")


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
async def test_who_opens_nitro_to_the_world_is_told_which_name_is_missing(
    host: str,
    warned: bool,
    tmp_path: Path,
    listening: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def ended(supervisor: Supervisor) -> int:
        supervisor.listening.close()
        return 0

    monkeypatch.setattr(Supervisor, "run", ended)
    holder, port = Holder(tmp_path), listening.getsockname()[1]
    listening.close()  # which leaves a free port behind
    await supervise(parse(["--host", host, "--port", str(port)]), chosen(tmp_path), holder)
    holder.release()
    assert ("ALLOWED_HOSTS names this machine alone" in capsys.readouterr().out) is warned
