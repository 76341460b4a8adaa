"""What `nitro doctor` says of the engine for pictures."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.core.diagnosis import Finding
from apps.images import diagnosis
from tests.core.knocked import knocked


def told(settings: Settings, **values: object) -> Finding:
    for name, value in values.items():
        setattr(settings, name, value)
    (found,) = diagnosis.examine()
    assert (found.check, found.needed) == ("pictures", False)
    assert bool(found.hint) != found.ok
    return found


def test_the_painter_always_draws(settings: Settings) -> None:
    found = told(settings, IMAGE_ENGINE="painter")
    assert (found.ok, found.message) == (True, "Pictures are drawn by: Nitro’s built-in painter.")


def test_a_stable_diffusion_server_is_asked(settings: Settings) -> None:
    with knocked() as server:
        found = told(settings, IMAGE_ENGINE="a1111", A1111_BASE_URL=server.url)
        assert [path for path, _ in server.seen] == ["/sdapi/v1/progress"]
    assert found.ok, found.message
    assert server.url.removeprefix("http://") in found.message


@pytest.mark.parametrize(("status", "words"), [(404, "takes no orders"), (401, "another key")])
def test_one_that_takes_no_orders_is_named(settings: Settings, status: int, words: str) -> None:
    with knocked(status) as server:
        assert words in told(settings, IMAGE_ENGINE="a1111", A1111_BASE_URL=server.url).message


def test_one_that_is_away_is_named_with_its_setting(settings: Settings) -> None:
    found = told(settings, IMAGE_ENGINE="a1111", A1111_BASE_URL="http://127.0.0.1:9")
    assert "does not answer: Connection refused" in found.message
    assert "A1111_BASE_URL" in found.hint


@pytest.mark.parametrize(("status", "ok"), [(200, True), (404, True), (401, False)])
def test_a_server_of_openai_s_kind_is_asked_with_its_key(settings: Settings, status: int, ok: bool) -> None:
    with knocked(status) as server:
        values = {"IMAGE_OPENAI_BASE_URL": f"{server.url}/v1", "IMAGE_OPENAI_API_KEY": "sk-canary"}
        found = told(settings, IMAGE_ENGINE="openai", **values)
        assert server.seen == [("/v1/models", "Bearer sk-canary")]
    assert found.ok is ok
    assert "canary" not in found.message


def test_what_is_not_installed_or_not_set_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GEMINI_API_KEY" in told(settings, IMAGE_ENGINE="gemini", GEMINI_API_KEY="").message
    monkeypatch.setattr("apps.images.providers.diffusion.find_spec", lambda name: None)
    assert "nitro extras diffusion" in told(settings, IMAGE_ENGINE="diffusers", DIFFUSION_MODEL="x").hint
    monkeypatch.setattr("apps.images.providers.diffusion.find_spec", lambda name: object())
    assert "DIFFUSION_MODEL" in told(settings, IMAGE_ENGINE="diffusers", DIFFUSION_MODEL="").message
    assert told(settings, IMAGE_ENGINE="diffusers", DIFFUSION_MODEL="x").ok
