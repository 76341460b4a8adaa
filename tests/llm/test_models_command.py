"""`nitro models`: list, pull, cancel, remove."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.llm import pulls, services
from apps.llm.catalogue import Entry
from apps.llm.fitting import ELSEWHERE
from apps.llm.models import Pull
from apps.llm.pulls import Carrier
from apps.llm.sources import FromOllama
from nitro.process import wait_until
from tests.llm.gguf_files import put
from tests.llm.ollama_server import Held
from tests.llm.ollama_thread import OllamaThread, ollama_thread

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ollama() -> Iterator[OllamaThread]:
    with ollama_thread() as made:
        yield made


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path, ollama: OllamaThread) -> Path:
    """A data folder in which no Nitro runs, and Ollama."""
    settings.NITRO_HOME, settings.OLLAMA_BASE_URL = tmp_path, ollama.server.url
    settings.BUILTIN_MODEL_URL, settings.MODELS_SOCKET = "", tmp_path / "none.sock"
    settings.AI_MODEL, settings.OPENAI_BASE_URL, settings.GEMINI_API_KEY = "auto", [], ""
    return tmp_path


@pytest.fixture
def nitro_runs(home: Path, ollama: OllamaThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrier]:
    """A Nitro that runs, as far as the command can tell: new downloads are carried at once."""
    (home / "up.json").write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")
    carrier = Carrier(lambda _: FromOllama(ollama.server.url))

    async def announce(pull: Pull) -> None:
        if pull.state == Pull.State.QUEUED:
            ollama.run(carrier.look())

    monkeypatch.setattr(pulls, "announce", announce)
    yield carrier
    ollama.run(carrier.close())


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("models", *words, stdout=out, no_color=True)
    return out.getvalue()


# --- list -----------------------------------------------------------------------------------------------------------


def test_the_list_is_a_table(ollama: OllamaThread) -> None:
    ollama.server.held["llama3.2:latest"] = Held("sha256:9", size=2_000_000_000)
    lines = said("list").splitlines()
    assert lines[0].split()[:4] == ["MODEL", "SIZE", "PARAMETERS", "BITS"]
    assert any(line.startswith("ollama:llama3.2 ") and "2.0 GB" in line and "cold" in line for line in lines)


def test_programs_get_the_list_whole(home: Path) -> None:
    put(home, "broken.gguf", b"nonsense")
    found = json.loads(said("list", "--json"))
    assert [model["choice"] for model in found["models"]] == ["ollama:phi3"]
    assert [one["file"] for one in found["unusable_files"]] == ["broken.gguf"]


def test_a_broken_file_is_named(home: Path) -> None:
    put(home, "broken.gguf", b"nonsense")
    assert "broken.gguf is not offered. It cannot be used" in said("list")


def test_an_empty_list_says_what_to_do(settings: Settings) -> None:
    settings.OLLAMA_BASE_URL = "http://127.0.0.1:9"
    assert "nitro up" in said("list")


# --- pull, with no Nitro running ------------------------------------------------------------------------------------


def test_a_model_is_pulled_without_nitro(ollama: OllamaThread) -> None:
    assert "llama3.2 is installed." in said("pull", "llama3.2")
    assert "llama3.2:latest" in ollama.server.held
    assert not Pull.objects.exists()


def test_without_ollama_it_is_said_how_to_get_it(settings: Settings) -> None:
    settings.OLLAMA_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="Install Ollama from"):
        said("pull", "llama3.2")


def test_a_model_that_nobody_has_is_an_error(ollama: OllamaThread) -> None:
    ollama.server.script = [{"error": "pull model manifest: file does not exist"}]
    with pytest.raises(CommandError, match=r"ollama\.com/library"):
        said("pull", "nonsense")


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(CommandError, match="Names look like"):
        said("pull", "no such name")


def in_a_terminal(home: Path, url: str, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """The command as a person starts it, and the other end of the terminal."""
    ours, theirs = pty.openpty()
    env = os.environ | {"NITRO_HOME": str(home), "OLLAMA_BASE_URL": url, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    # Tests that run in a shell's background were given a Ctrl-C that is ignored.
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "nitro", "models", *words]
    child = subprocess.Popen(argv, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    return child, ours


def reading(descriptor: int, heard: bytearray) -> Callable[[bytes], bool]:
    """A question whether something was printed by now."""

    def is_there(words: bytes) -> bool:
        try:
            heard.extend(os.read(descriptor, 65_536))
        except OSError:  # the other end is closed
            return True
        return words in heard

    return is_there


def test_ctrl_c_stops_a_download_that_the_next_one_goes_on_with(ollama: OllamaThread, home: Path) -> None:
    ollama.do(ollama.server.loading.clear)
    child, terminal = in_a_terminal(home, ollama.server.url, "pull", "llama3.2")
    heard = bytearray()
    is_there = reading(terminal, heard)
    assert wait_until(lambda: is_there(b"of 1 kB"), 60)
    child.send_signal(signal.SIGINT)
    assert wait_until(lambda: is_there(b"goes on from here"), 60)
    assert child.wait(60) == 130
    os.close(terminal)
    assert b"\r\x1b[Kllama3.2  [" in heard
    assert wait_until(lambda: ollama.server.open_streams == 0, 30)


# --- pull, with Nitro running ---------------------------------------------------------------------------------------


def test_a_nitro_that_runs_pulls_and_the_command_looks_on(ollama: OllamaThread, nitro_runs: Carrier) -> None:
    assert "llama3.2 is installed." in said("pull", "llama3.2")
    assert Pull.objects.get().state == Pull.State.DONE


def test_ctrl_c_only_stops_the_looking_on(
    ollama: OllamaThread, nitro_runs: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    ollama.do(ollama.server.loading.clear)
    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", sleep)
        assert "Nitro goes on with llama3.2 in the background" in said("pull", "llama3.2")
    ollama.do(ollama.server.loading.set)
    assert wait_until(lambda: Pull.objects.get().state == Pull.State.DONE, 30)


def test_a_failure_over_there_is_an_error_here(ollama: OllamaThread, nitro_runs: Carrier) -> None:
    ollama.server.script = [{"error": "no space left on device"}]
    with pytest.raises(CommandError, match="Free some space"):
        said("pull", "llama3.2")


def test_a_nitro_that_ends_meanwhile_is_said(home: Path, nitro_runs: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unheard(_: Pull) -> None:
        (home / "up.json").unlink()

    monkeypatch.setattr(pulls, "announce", unheard)
    with pytest.raises(CommandError, match="goes on with the download when it is started again"):
        said("pull", "llama3.2")


def test_a_download_can_be_cancelled() -> None:
    services.pull_start(user=None, name="llama3.2")
    assert "ends" in said("cancel", "llama3.2")
    assert Pull.objects.get().state == Pull.State.CANCELLED
    with pytest.raises(CommandError, match="under way"):
        said("cancel", "llama3.2")


# --- remove ---------------------------------------------------------------------------------------------------------


def test_a_model_is_removed(ollama: OllamaThread) -> None:
    assert "ollama:phi3 is removed." in said("remove", "phi3", "--yes")
    assert ollama.server.held == {}


def test_nothing_is_removed_where_nobody_could_be_asked(ollama: OllamaThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="--yes"):
        said("remove", "phi3")
    assert ollama.server.held


class Person(io.StringIO):
    """Somebody at a terminal who gives one answer."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"{answer}\n")

    def isatty(self) -> bool:
        return True


def test_whoever_says_yes_removes_it(
    ollama: OllamaThread, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Person("y"))
    said("remove", "ollama:phi3")
    assert ollama.server.held == {}
    assert "Remove ollama:phi3 (2.2 GB) from the disk? [y/N]" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "no", "yesterday"])
def test_whoever_does_not_say_yes_keeps_it(ollama: OllamaThread, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", Person(answer))
    with pytest.raises(CommandError, match="Nothing was removed"):
        said("remove", "phi3")
    assert len(ollama.server.held) == 1


def test_a_model_that_cannot_talk_is_removed_by_its_full_name(ollama: OllamaThread) -> None:
    ollama.server.held["embedder:latest"] = Held("sha256:9", abilities=("embedding",))
    with pytest.raises(CommandError, match="There is no model embedder"):
        said("remove", "embedder", "--yes")
    assert "ollama:embedder is removed." in said("remove", "ollama:embedder", "--yes")
    with pytest.raises(CommandError, match="not found"):
        said("remove", "ollama:embedder", "--yes")


def test_a_name_that_two_models_have_must_be_said_in_full(
    ollama: OllamaThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry("ollama:a", "a", "ollama", "Ollama", 0, "", "", 0, ("text",), True, False, ELSEWHERE, removable=True)

    async def catalogue(_: object) -> list[Entry]:
        return [entry, replace(entry, choice="builtin:a")]

    monkeypatch.setattr("apps.llm.management.commands.models.catalogue", catalogue)
    with pytest.raises(CommandError, match="several models of that name: ollama:a, builtin:a"):
        said("remove", "a", "--yes")


def test_a_name_that_nothing_has_is_an_error() -> None:
    with pytest.raises(CommandError, match="There is no model nonsense"):
        said("remove", "nonsense", "--yes")
