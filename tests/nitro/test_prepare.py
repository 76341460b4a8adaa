"""What is done before the page opens, and when it need not be done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nitro import prepare
from nitro.prepare import fingerprint, remembered


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "page.css").write_text("a", encoding="utf-8")
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    return tmp_path


def test_nothing_changed_means_the_same_mark(source: Path) -> None:
    assert fingerprint(source, "url") == fingerprint(source, "url")


def test_another_database_means_another_mark(source: Path) -> None:
    assert fingerprint(source, "one") != fingerprint(source, "other")


def test_a_changed_source_means_another_mark(source: Path) -> None:
    before = fingerprint(source, "url")
    (source / "static" / "page.css").write_text("ab", encoding="utf-8")
    assert fingerprint(source, "url") != before


def test_a_new_migration_means_another_mark(source: Path) -> None:
    before = fingerprint(source, "url")
    (source / "apps" / "chat" / "migrations").mkdir(parents=True)
    (source / "apps" / "chat" / "migrations" / "0002_more.py").touch()
    assert fingerprint(source, "url") != before


def test_a_database_made_anew_means_another_mark(source: Path) -> None:
    before = fingerprint(source, "url")
    (source / "postgres").mkdir()
    (source / "postgres" / "PG_VERSION").write_text("18", encoding="utf-8")
    assert fingerprint(source, "url") != before


def test_what_was_noted_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "staticfiles.json").touch()
    (tmp_path / "prepared.json").write_text(json.dumps({"fingerprint": "x"}), encoding="utf-8")
    assert remembered(tmp_path) == {"fingerprint": "x"}


def test_without_the_static_files_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "prepared.json").write_text(json.dumps({"fingerprint": "x"}), encoding="utf-8")
    assert remembered(tmp_path) == {}


@pytest.mark.parametrize("note", ["", "[1]", "{"])
def test_a_spoiled_note_is_no_memory(tmp_path: Path, note: str) -> None:
    (tmp_path / "prepared.json").write_text(note, encoding="utf-8")
    assert remembered(tmp_path) == {}


@pytest.mark.parametrize(
    ("public", "said"), [("", "/accounts/link/x/"), ("https://n.example/", "https://n.example/accounts/link/x/")]
)
def test_the_link_has_its_address_where_that_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], public: str, said: str
) -> None:
    monkeypatch.setattr("nitro.settings.PUBLIC_URL", public)
    monkeypatch.setattr(prepare, "prepare_alone", lambda: "/accounts/link/x/")
    monkeypatch.setenv("NITRO_ROLE", "command")
    assert prepare.main([]) == 0
    assert capsys.readouterr().out == f"{said}\n"
