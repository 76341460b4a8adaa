"""System checks speak up about settings that fit no installation, and say where to read on."""

from __future__ import annotations

from pathlib import Path

from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs/configuration.md"


def said(*, deploy: bool = False) -> dict[str, CheckMessage]:
    messages = run_checks(tags=["security", "files"], include_deployment_checks=deploy)
    return {str(message.id): message for message in messages if str(message.id).startswith("nitro.")}


def test_the_defaults_are_fine() -> None:
    assert said() == {}


def test_debug_mode_with_a_public_host_is_an_error(settings: Settings) -> None:
    settings.DEBUG_MODE, settings.ALLOWED_HOSTS = True, ["nitro.example"]
    assert "nitro.E001" in said()
    settings.ALLOWED_HOSTS = ["localhost"]
    assert said() == {}


def test_a_data_folder_that_is_not_there_is_an_error(settings: Settings, tmp_path: Path) -> None:
    settings.NITRO_HOME = tmp_path / "gone"
    assert "nitro.E002" in said()


def test_a_short_secret_key_is_an_error(settings: Settings) -> None:
    settings.SECRET_KEY = "short"
    assert "nitro.E003" in said()


def test_every_host_allowed_is_a_warning(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert "nitro.W001" in said()


def test_cookies_without_tls_are_a_warning_when_deploying(settings: Settings) -> None:
    assert "nitro.W002" in said(deploy=True)
    settings.COOKIES_SECURE = True
    assert "nitro.W002" not in said(deploy=True)


def test_a_wrong_model_server_is_a_warning(settings: Settings) -> None:
    settings.MODEL_FLAWS = [("OLLAMA_BASE_URL", "OLLAMA_BASE_URL is 'x', which …", "Write http://x.")]
    assert "OLLAMA_BASE_URL is 'x'" in said()["nitro.W005"].msg


def test_every_hint_leads_to_a_heading_of_the_documentation(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG_MODE, settings.ALLOWED_HOSTS, settings.SECRET_KEY = True, ["*"], "short"
    settings.NITRO_HOME = tmp_path / "gone"
    settings.MODEL_FLAWS = [("OPENAI_API_KEY", "…", "…")]
    lines = CONFIGURATION.read_text(encoding="utf-8").splitlines()
    headings = {line.strip("# `").lower() for line in lines if line.startswith("#")}
    for message in said(deploy=True).values():
        anchor = str(message.hint).rpartition("#")[2].rstrip(".")
        assert anchor in headings


def test_private_places_that_everybody_can_read_are_a_warning(settings: Settings) -> None:
    settings.FETCH_ALLOWED_PRIVATE = [("10.0.0.7", 80)]
    assert "10.0.0.7:80" in said()["nitro.W004"].msg
