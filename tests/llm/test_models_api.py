"""The HTTP interface of models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.llm import pulls, removal
from apps.llm.errors import ModelMissing
from apps.llm.models import Pull
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from tests import cast
from tests.llm.gguf_files import put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_model() -> Iterator[None]:
    settings = LlmSettings(ai_model="scripted", kinds=("scripted",))
    before = use(Router(settings, {"scripted": [Scripted()]}))
    yield
    use(before)


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(cast.admin())
    return client


def post(client: Client, **body: Any) -> Any:
    return client.post("/api/models/pull/", body, content_type="application/json")


def test_the_list_tells_all_about_a_model(admin: Client) -> None:
    answer = admin.get("/api/models/").json()
    assert (answer["next"], answer["previous"]) == (None, None)
    [model] = answer["results"]
    assert (model["choice"], model["context_window"], model["abilities"]) == ("scripted:numbers", 8192, ["text"])
    assert model["fit"] == {"level": "elsewhere", "sentence": "Runs on another machine.", "memory": 0}


def test_a_key_for_models_sees_the_list() -> None:
    key = cast.key_of(cast.alice(), "models")
    answer = Client().get("/api/models/", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_a_pull_is_taken_and_can_be_looked_at(admin: Client) -> None:
    answer = post(admin, name="phi3")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["name"], told["state"], told["completed"], told["total"]) == ("phi3", "queued", 0, 0)
    assert admin.get(f"/api/models/pull/{told['id']}/").json()["name"] == "phi3"
    assert [row["id"] for row in admin.get("/api/models/pull/").json()["results"]] == [told["id"]]


def test_the_same_pull_again_is_the_same(admin: Client) -> None:
    assert post(admin, name="phi3").json()["id"] == post(admin, name="phi3").json()["id"]


def test_a_program_of_an_administrator_may_pull() -> None:
    key = cast.key_of(cast.admin(), "models")
    headers = {"authorization": f"Bearer {key}"}
    answer = Client().post("/api/models/pull/", {"name": "phi3"}, content_type="application/json", headers=headers)
    assert answer.status_code == 202


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "a b"}, {"name": ["phi3"]}, {"name": None}])
def test_what_is_no_name_is_refused(admin: Client, body: dict[str, Any]) -> None:
    answer = post(admin, **body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not Pull.objects.exists()


def test_a_pull_can_be_cancelled(admin: Client) -> None:
    pull_id = post(admin, name="phi3").json()["id"]
    answer = admin.delete(f"/api/models/pull/{pull_id}/")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_a_model_is_removed_by_its_choice(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    async def remove(name: str) -> None:
        removed.append(name)

    monkeypatch.setattr(removal, "_from_ollama", remove)
    assert admin.delete("/api/models/ollama:hf.co/me/mine:Q4/").status_code == 204
    assert removed == ["hf.co/me/mine:Q4"]


def test_a_model_that_is_not_there_is_not_found(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def remove(name: str) -> None:
        raise ModelMissing(f"There is no {name}.")

    monkeypatch.setattr(removal, "_from_ollama", remove)
    assert admin.delete("/api/models/ollama:nonsense/").status_code == 404


def test_a_file_is_removed_from_the_data_folder(admin: Client, settings: Settings, tmp_path: Path) -> None:
    settings.NITRO_HOME, settings.MODELS_SOCKET = tmp_path, tmp_path / "none.sock"
    kept, gone = put(tmp_path, "kept.gguf"), put(tmp_path, "gone.gguf")
    assert admin.delete("/api/models/builtin:gone/").status_code == 204
    assert (kept.exists(), gone.exists()) == (True, False)


@pytest.mark.parametrize("name", ["none", "../secret_key", "smollm2", "models/kept"])
def test_nothing_but_files_of_models_is_removed(admin: Client, settings: Settings, tmp_path: Path, name: str) -> None:
    settings.NITRO_HOME, settings.MODELS_SOCKET = tmp_path, tmp_path / "none.sock"
    put(tmp_path, "kept.gguf")
    assert admin.delete(f"/api/models/builtin:{name}/").status_code == 404
    assert (tmp_path / "models" / "kept.gguf").exists()


@pytest.mark.parametrize("choice", ["gemini:gemini-2.5-flash", "builtin", "ollama:", "nonsense"])
def test_what_is_not_ours_to_remove_is_refused(admin: Client, choice: str) -> None:
    assert admin.delete(f"/api/models/{choice}/").status_code == 400


def test_a_failure_is_told_with_its_hint() -> None:
    failed = Pull(name="x", state="failed", error_code="disk_full", error_message="Full.", error_hint="Make room.")
    assert pulls.frame(failed)["error"] == {"code": "disk_full", "message": "Full.", "hint": "Make room."}
