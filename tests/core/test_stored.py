"""Files are kept whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousOperation
from pytest_django import Settings

from apps.core import stored
from apps.core.stored import StorageAway, StorageFull

NAME = "tests/ab/picture.png"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    backend = {"BACKEND": "apps.core.stored.WholeFiles", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    return tmp_path / "files"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_saved_can_be_read() -> None:
    stored.save(NAME, b"colours")
    with stored.open_file(NAME) as file:
        assert file.read() == b"colours"


def test_saving_again_replaces(folder: Path) -> None:
    stored.save(NAME, b"first")
    stored.save(NAME, b"second")
    assert files(folder) == [NAME]
    assert (folder / NAME).read_bytes() == b"second"


def test_nobody_else_can_read_the_files(folder: Path) -> None:
    stored.save(NAME, b"mine")
    assert (folder / NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EROFS, StorageAway)])
def test_a_disk_that_refuses_leaves_nothing_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(error):
        stored.save(NAME, b"too much")
    assert files(folder) == []


def test_a_disk_that_refuses_keeps_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.save(NAME, b"first")

    def refuse(source: str, target: Path) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StorageFull):
        stored.save(NAME, b"second")
    assert (folder / NAME).read_bytes() == b"first"
    assert files(folder) == [NAME]


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    folder.write_text("a file is in the way")
    with pytest.raises(StorageAway):
        stored.save(NAME, b"colours")


def test_what_is_missing_is_missing() -> None:
    with pytest.raises(FileNotFoundError):
        stored.open_file(NAME)


def test_removing_twice_is_no_problem(folder: Path) -> None:
    stored.save(NAME, b"colours")
    assert stored.delete([NAME, NAME]) == 0
    assert files(folder) == []


@pytest.mark.parametrize("name", ["../secret_key", "tests/../../secret_key", "/etc/passwd", "tests/.hidden", "tests"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(SuspiciousOperation):
        stored.open_file(name)


def test_what_killed_processes_left_is_removed(folder: Path) -> None:
    stored.save(NAME, b"colours")
    (folder / "tests/ab/.part-dead").write_bytes(b"half")
    assert stored.sweep() == 0
    assert stored.sweep(older_than=-1) == 1
    assert files(folder) == [NAME]
