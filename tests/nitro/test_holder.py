"""One `nitro up` at a time for a data folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nitro.embedded.errors import ServiceError
from nitro.holder import Holder, read_note


def test_the_second_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    first = Holder(tmp_path)
    first.write(pid=os.getpid(), url="http://127.0.0.1:8000/")
    with pytest.raises(ServiceError, match=rf"{tmp_path} \(pid {os.getpid()}, http://127.0.0.1:8000/\)"):
        Holder(tmp_path)
    first.release()


def test_a_folder_given_back_can_be_held_again(tmp_path: Path) -> None:
    Holder(tmp_path).release()
    assert read_note(tmp_path) == {}
    Holder(tmp_path).release()


def test_a_note_left_by_a_killed_process_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text('{"pid": 1}', encoding="utf-8")
    Holder(tmp_path).release()


@pytest.mark.parametrize("note", ["", "[]", "{", "3"])
def test_a_spoiled_note_says_nothing(tmp_path: Path, note: str) -> None:
    (tmp_path / "up.json").write_text(note, encoding="utf-8")
    assert read_note(tmp_path) == {}
