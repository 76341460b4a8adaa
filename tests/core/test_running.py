"""Whether a Nitro runs with a data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.core.running import Running, running


def note(home: Path, text: str) -> None:
    (home / "up.json").write_text(text, encoding="utf-8")


def test_the_note_of_a_living_process_is_believed(tmp_path: Path) -> None:
    note(tmp_path, json.dumps({"pid": os.getpid(), "url": "http://a/", "model_url": "http://b/v1"}))
    assert running(tmp_path) == Running(os.getpid(), "http://a/", "http://b/v1")


def test_a_nitro_that_is_still_starting_has_no_addresses_yet(tmp_path: Path) -> None:
    note(tmp_path, json.dumps({"pid": os.getpid()}))
    assert running(tmp_path) == Running(os.getpid())


def test_the_note_of_a_dead_process_is_not_believed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    note(tmp_path, json.dumps({"pid": child.pid}))
    assert running(tmp_path) is None


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"pid": "7"}', '{"pid": -1}', '{"pid": 0}'])
def test_a_spoiled_note_is_no_nitro(tmp_path: Path, text: str) -> None:
    note(tmp_path, text)
    assert running(tmp_path) is None


def test_a_folder_without_a_note_is_no_nitro(tmp_path: Path) -> None:
    assert running(tmp_path) is None
