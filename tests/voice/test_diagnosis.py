"""What `nitro doctor` says of who listens and who speaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.core.diagnosis import Finding
from apps.voice import diagnosis, registry
from tests.core.knocked import knocked


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Engines are made once per process; here each test has its own."""
    for engine in (registry.transcriber, registry.speaker):
        engine.cache_clear()
    yield
    for engine in (registry.transcriber, registry.speaker):
        engine.cache_clear()


def told(settings: Settings, **values: object) -> tuple[Finding, Finding]:
    for name, value in values.items():
        setattr(settings, name, value)
    listening, speaking = diagnosis.examine()
    assert (listening.check, speaking.check) == ("listening", "speaking")
    return listening, speaking


def test_the_engines_that_nitro_brings_work(settings: Settings) -> None:
    found = told(settings, STT_ENGINE="builtin", TTS_ENGINE="builtin")
    assert all(one.ok and not one.hint for one in found), found


@pytest.mark.parametrize(("status", "ok"), [(200, True), (404, True), (403, False)])
def test_servers_are_asked_with_their_keys(settings: Settings, status: int, ok: bool) -> None:
    with knocked(status) as server:
        values = {"STT_BASE_URL": server.url, "STT_API_KEY": "one", "TTS_BASE_URL": server.url, "TTS_API_KEY": "two"}
        found = told(settings, STT_ENGINE="openai", TTS_ENGINE="openai", **values)
        assert server.seen == [("/v1/models", "Bearer one"), ("/v1/models", "Bearer two")]
    assert [one.ok for one in found] == [ok, ok]


def test_a_server_that_is_away_is_named_with_its_setting(settings: Settings) -> None:
    listening, _ = told(settings, STT_ENGINE="openai", STT_BASE_URL="http://127.0.0.1:9")
    assert "Connection refused" in listening.message
    assert "STT_BASE_URL" in listening.hint


def test_what_is_not_installed_or_not_there_is_said(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NITRO_HOME = tmp_path
    monkeypatch.setattr("apps.voice.providers.piper.find_spec", lambda name: None)
    assert "nitro extras piper" in told(settings, STT_ENGINE="builtin", TTS_ENGINE="piper")[1].hint
    monkeypatch.setattr("apps.voice.providers.piper.find_spec", lambda name: object())
    speaking = told(settings, TTS_ENGINE="piper")[1]
    assert (speaking.ok, speaking.message) == (False, "Piper (on this machine): It has no voice yet.")
