"""`nitro tune`: what it says, and what it writes takes effect."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.core.machine import Machine
from apps.llm.guide import GIB
from apps.llm.management.commands import tune

ROOT = Path(__file__).resolve().parents[2]
SERVER = Machine(cores=8, memory=8 * GIB, available=6 * GIB, limits=("8 of 16 cores may be used here",))


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.NITRO_HOME, settings.GEMINI_API_KEY, settings.SET_OUTSIDE = tmp_path, "", frozenset()
    monkeypatch.setattr(tune, "machine", lambda: SERVER)
    return tmp_path


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("tune", *words, stdout=out, no_color=True)
    return out.getvalue()


def told(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said("--json", *words))
    return found


def test_it_says_what_it_saw_and_recommends_and_why() -> None:
    text = said()
    for words in ("cores     8", "8.6 GB, 6.4 GB of it free", "none that models can use", "8 of 16 cores"):
        assert words in text
    for words in ("Profile server (8 GB, 8 cores)", "OLLAMA_MODEL=llama3:8b-instruct-q4_0", "Why", "Next: nitro tune"):
        assert words in text


def test_nothing_is_written_unasked(home: Path) -> None:
    said()
    assert list(home.iterdir()) == []


def test_a_profile_can_be_chosen() -> None:
    assert told("--profile", "laptop")["model"]["family"] == "llama3.2"


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match="laptop"):
        said("--profile", "fridge")


def test_programs_get_all_of_it() -> None:
    found = told()
    assert found["machine"]["cores"] == 8
    assert (found["profile"], found["model"]["quantisation"]) == ("server", "q4_0")
    assert found["settings"] == {"OLLAMA_MODEL": found["model"]["name"], "WEB_WORKERS": "2", "MAX_TOKENS": "1000"}
    assert found["written"] is None


def test_what_is_written_takes_effect(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".env").write_text("# mine\nLOG_LEVEL=INFO\n", encoding="utf-8")
    assert told("--write")["written"]["changed"] == ["OLLAMA_MODEL", "WEB_WORKERS", "MAX_TOKENS"]
    for name in ("OLLAMA_MODEL", "WEB_WORKERS", "MAX_TOKENS", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NITRO_HOME", str(home))
    monkeypatch.chdir(home)
    found = runpy.run_path(str(ROOT / "nitro/settings.py"))
    assert (found["OLLAMA_MODEL"], found["WEB_WORKERS"], found["MAX_TOKENS"]) == ("llama3:8b-instruct-q4_0", 2, 1000)
    assert found["LOG_LEVEL"] == "INFO"
    assert "MAX_TOKENS" not in found["SET_OUTSIDE"]


def test_what_was_there_before_is_named_where_there_was_something(home: Path) -> None:
    assert ".env.backup" not in said("--write")
    (home / ".env").write_text("MAX_TOKENS=7\n", encoding="utf-8")
    assert "What was there before is in .env.backup." in said("--write")


def test_writing_again_says_that_it_is_there_already() -> None:
    said("--write")
    assert "says all of this already" in said("--write")


def test_what_counts_more_is_named(settings: Settings) -> None:
    settings.SET_OUTSIDE = frozenset({"MAX_TOKENS", "PATH"})
    assert "which count more: MAX_TOKENS. Change it there." in said("--write")


def test_a_folder_that_cannot_be_written_is_an_error_with_a_way_out(home: Path) -> None:
    (home / ".env").mkdir()
    with pytest.raises(CommandError, match="Check that the data folder belongs to"):
        said("--write")
