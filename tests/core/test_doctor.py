"""`nitro doctor`: what is broken, and how to repair it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.test import override_settings
from pytest_django import Settings

from apps.core import diagnosis


def report(*words: str) -> tuple[str, int]:
    output, status = io.StringIO(), 0
    try:
        call_command("doctor", *words, stdout=output, no_color=True)
    except SystemExit as end:
        status = int(end.code or 0)
    return output.getvalue(), status


@pytest.mark.django_db
def test_a_healthy_installation_ends_with_success() -> None:
    text, status = report()
    assert status == 0, text
    assert "PostgreSQL" in text


@pytest.mark.django_db
def test_programs_get_a_list_with_fixed_names() -> None:
    findings = json.loads(report("--json")[0])
    assert {"database", "redis", "model", "disk", "folder"} <= {finding["check"] for finding in findings}
    assert all(set(finding) == {"check", "ok", "needed", "message", "hint"} for finding in findings)


@pytest.mark.django_db
def test_a_missing_redis_fails_with_a_hint() -> None:
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock", EMBEDDED_REDIS=False):
        text, status = report()
    assert status == 1
    assert "REDIS_URL" in text


def test_a_database_that_is_away_is_one_line_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(connection: object) -> None:
        raise DatabaseError("no route\nto it")

    monkeypatch.setattr(diagnosis, "MigrationExecutor", away)
    finding = diagnosis.database()
    assert (finding.ok, finding.needed) == (False, True)
    assert finding.message == "PostgreSQL does not answer: no route"
    assert finding.hint


def test_a_model_of_another_kind_makes_the_built_in_one_unneeded() -> None:
    with override_settings(AI_MODEL="ollama"):
        assert diagnosis.builtin_model().ok


def test_a_built_in_model_that_is_wanted_and_away_is_broken(tmp_path: Path) -> None:
    with override_settings(AI_MODEL="builtin", NITRO_HOME=tmp_path, BUILTIN_MODEL_URL=""):
        finding = diagnosis.builtin_model()
    assert (finding.ok, finding.needed) == (False, True)


def test_an_address_where_nobody_answers_is_said(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text(json.dumps({"url": "http://127.0.0.1:9/"}), encoding="utf-8")
    with override_settings(NITRO_HOME=tmp_path):
        assert not diagnosis.page().ok


def test_a_secret_that_others_may_read_is_found(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("x", encoding="utf-8")
    (tmp_path / "secret_key").chmod(0o644)
    with override_settings(NITRO_HOME=tmp_path):
        finding = diagnosis.folder()
    assert not finding.ok
    assert finding.hint == f"Run `chmod 600 {tmp_path / 'secret_key'}`."


def test_a_data_folder_that_does_not_exist_yet_is_no_problem(tmp_path: Path) -> None:
    with override_settings(NITRO_HOME=tmp_path / "a" / "b"):
        assert diagnosis.folder().ok
        assert diagnosis.disk().ok


@pytest.mark.django_db
def test_every_room_has_a_line_of_its_own() -> None:
    findings = json.loads(report("--json")[0])
    rooms = {"pictures", "listening", "speaking", "search", "cache", "worker"}
    assert rooms <= {finding["check"] for finding in findings}


def test_files_in_the_data_folder_have_no_store(settings: Settings) -> None:
    settings.S3_BUCKET = ""
    assert diagnosis.store() == []
