"""A wrong setting stops the start with one sentence; secrets also come from files; every setting is documented."""

from __future__ import annotations

import re
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nitro.environment import Environment, SettingError

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "nitro/settings.py"
SECRETS = ("SECRET_KEY", "GEMINI_API_KEY", "BRAVE_API_KEY", "OPENAI_API_KEY", "SENTRY_DSN")
CONTRACT = """
    NITRO_HOME DEBUG_MODE LOG_LEVEL SECRET_KEY ALLOWED_HOSTS DATABASE_URL DB_POOL_MIN DB_POOL_MAX REDIS_URL AI_MODEL
    OLLAMA_BASE_URL OLLAMA_MODEL GEMINI_API_KEY GEMINI_MODEL GEMINI_BASE_URL OPENAI_BASE_URL OPENAI_API_KEY OPENAI_MODEL
    AI_FALLBACK MAX_TOKENS TEMPERATURE TOP_P TOP_K REPEAT_PENALTY CACHE_TTL RATE_LIMIT_CHAT MAX_SESSIONS
    SESSION_RETENTION_DAYS IMAGE_ENGINE STT_ENGINE TTS_ENGINE SEARCH_ENGINE SENTRY_DSN
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder and an environment in which nothing else is set."""
    for name in names_read():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NITRO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def names_read() -> set[str]:
    """Every name that the settings ask the environment for."""
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', SETTINGS.read_text(encoding="utf-8")))


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> dict[str, Any]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))


def test_the_defaults_are_those_of_the_contract(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch)
    assert (found["MAX_TOKENS"], found["TEMPERATURE"], found["TOP_P"], found["TOP_K"]) == (500, 0.7, 0.9, 40)
    assert (found["DB_POOL_MIN"], found["DB_POOL_MAX"], found["CACHE_TTL"]) == (5, 20, 3600)
    assert (found["DEBUG_MODE"], found["LOG_LEVEL"], found["AI_MODEL"]) == (False, "WARNING", "auto")
    assert (found["OLLAMA_MODEL"], found["RATE_LIMIT_CHAT"]) == ("phi3", "60/minute")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEBUG_MODE", "maybe", "true or false"),
        ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO"),
        ("MAX_TOKENS", "many", "a whole number from 1"),
        ("DB_POOL_MAX", "0", "a whole number from 1"),
        ("DB_POOL_MIN", "21", "at most DB_POOL_MAX"),
        ("TEMPERATURE", "nan", "a number from 0 to 2"),
        ("TOP_P", "1,5", "a number from 0 to 1"),
        ("AI_MODEL", "gpt", "one of auto, builtin"),
        ("AI_FALLBACK", "ollama,gpt", "a comma-separated list of builtin"),
        ("RATE_LIMIT_CHAT", "60 per minute", "a count and a period"),
        ("DATABASE_URL", "mysql://host/x", "postgres:// or postgresql://"),
        ("DATABASE_URL", "postgres://host:port/x", "postgres:// or postgresql://"),
        ("REDIS_URL", "localhost:6379", "redis:// or rediss://"),
        ("SEARCH_ENGINE", "bing", "one of auto, gemini, brave"),
        ("FETCH_ALLOWED_PRIVATE", "wiki.local:80", "numbers with ports"),
        ("FETCH_ALLOWED_PRIVATE", "10.0.0.7", "numbers with ports"),
        ("FETCH_ALLOWED_PRIVATE", "10.0.0.7:99999", "numbers with ports"),
        ("NITRO_HOME", "~nobody-of-this-name/x", "the path of a folder"),
        ("SECRET_KEY_FILE", "/nowhere/key", "a readable text file"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingError) as caught:
        load(monkeypatch, **{name: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} is ")
    assert allowed in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("OLLAMA_BASE_URL", "localhost:11434", ""),
        ("OLLAMA_BASE_URL", "http://[::1", ""),
        ("OPENAI_BASE_URL", "b.example,https://a.example/v1", ["https://a.example/v1"]),
        ("GEMINI_BASE_URL", "http://169.254.169.254", ""),
        ("GEMINI_API_KEY", "AIza\nSy", ""),
    ],
)
def test_a_wrong_model_server_is_left_out_and_named_and_stops_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, kept: object
) -> None:
    found = load(monkeypatch, **{name: value})
    assert found[name] == kept
    assert [setting for setting, _, _ in found["MODEL_FLAWS"]] == [name]


def test_sound_settings_have_no_flaws(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, OPENAI_BASE_URL="http://192.168.1.7:8000/v1/, http://[::1]:1234", OPENAI_API_KEY="sk-1")
    assert found["OPENAI_BASE_URL"] == ["http://192.168.1.7:8000/v1", "http://[::1]:1234"]
    assert found["MODEL_FLAWS"] == []


def test_private_places_are_numbers_with_ports(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, FETCH_ALLOWED_PRIVATE="10.0.0.7:80, [fd00::7]:8080")
    assert found["FETCH_ALLOWED_PRIVATE"] == [("10.0.0.7", 80), ("fd00::7", 8080)]


def test_a_password_in_an_address_is_not_repeated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError) as caught:
        load(monkeypatch, DATABASE_URL="mysql://nitro:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", [*SECRETS, "DATABASE_URL", "REDIS_URL"])
def test_secrets_also_come_from_files(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    value = {"DATABASE_URL": "postgres://u:p@h/n", "REDIS_URL": "redis://h/0"}.get(name, "s" * 50)
    (tmp_path / "secret").write_text(f"{value}\n")
    assert load(monkeypatch, **{f"{name}_FILE": str(tmp_path / "secret")})[name] == value


def test_an_empty_secret_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(SettingError, match="empty"):
        Environment({"KEY_FILE": str(tmp_path / "secret")}).secret("KEY")


def test_the_secret_key_is_made_once_and_kept_to_its_owner(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(monkeypatch)["SECRET_KEY"]
    assert load(monkeypatch)["SECRET_KEY"] == first
    assert len(first) > 50
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["secret_key"]


def test_a_data_folder_that_cannot_be_made_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_text("a file is in the way")
    with pytest.raises(SettingError, match="NITRO_HOME"):
        load(monkeypatch)


def test_the_environment_goes_over_the_folder_over_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / ".env").write_text("MAX_TOKENS=1\nTOP_K=1\nCACHE_TTL=1\n")
    (home.parent / ".env").write_text("MAX_TOKENS=2\nTOP_K=2\n")
    found = load(monkeypatch, MAX_TOKENS="3")
    assert (found["MAX_TOKENS"], found["TOP_K"], found["CACHE_TTL"]) == (3, 2, 1)


def test_an_env_file_that_is_no_text_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match=r"\.env is"):
        load(monkeypatch)


@pytest.mark.parametrize("command", [["manage.py"], ["-m", "nitro"]])
def test_the_command_ends_with_one_sentence_and_no_traceback(home: Path, command: list[str]) -> None:
    environment = {"NITRO_HOME": str(home), "MAX_TOKENS": "many", "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, *[str(ROOT / part) if part.endswith(".py") else part for part in command], "check"]
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, cwd=home.parent)
    assert ended.returncode == 1
    assert ended.stderr == "nitro: MAX_TOKENS is 'many', but it must be a whole number from 1 to 1000000.\n"


def sections() -> dict[str, str]:
    """The text under each heading of the documentation that names a setting."""
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `?([A-Z0-9_]+)`?$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_has_a_heading_and_every_heading_a_setting() -> None:
    assert set(sections()) == names_read()
    assert set(CONTRACT.split()) <= names_read()


def test_every_setting_is_documented_with_its_default() -> None:
    assert [name for name, text in sections().items() if "Default: " not in text] == []


def test_secrets_are_documented_with_their_file() -> None:
    for name in (*SECRETS, "DATABASE_URL", "REDIS_URL"):
        assert f"{name}_FILE" in sections()[name]
