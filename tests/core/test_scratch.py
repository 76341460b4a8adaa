"""Folders for work in between: gone with the work, and with a process that was killed in the middle of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from apps.core import scratch
from apps.core.tasks import tidy_temporary_files

WORK = """
import tempfile
from apps.core import scratch
tempfile.tempdir = {place!r}
with scratch.scratch() as folder:
    (folder / "samples").write_bytes(b"somebody's voice")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def working(place: Path) -> subprocess.Popen[str]:
    """Another process in the middle of its work."""
    words = [sys.executable, "-c", WORK.format(place=str(place))]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert Path(child.stdout.readline().strip()).parent == place
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()


def test_a_folder_is_gone_with_its_work(place: Path) -> None:
    with scratch.scratch() as folder:
        (folder / "samples").write_bytes(b"x")
    with pytest.raises(ZeroDivisionError), scratch.scratch() as folder:
        (folder / "samples").write_bytes(b"x" * (1 // 0))
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(place: Path) -> None:
    dead, alive = working(place), working(place)
    end(dead)
    assert scratch.sweep(older_than=-1) == 1
    assert [path.read_bytes() for path in place.glob("*/samples")] == [b"somebody's voice"]
    end(alive)
    assert scratch.sweep(older_than=-1) == 1
    assert list(place.iterdir()) == []


def test_a_folder_that_was_only_just_made_is_left_alone(place: Path) -> None:
    (place / f"{scratch.PREFIX}new").mkdir()
    assert scratch.sweep() == 0
    assert scratch.sweep(older_than=-1) == 1


def test_nothing_else_is_touched(place: Path) -> None:
    (place / "other").mkdir()
    (place / f"{scratch.PREFIX}link").symlink_to(place / "other")
    (place / f"{scratch.PREFIX}file").write_text("somebody's")
    assert scratch.sweep(older_than=-1) == 0


def test_the_hourly_task_takes_both_kinds(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.stored.sweep", lambda: 2)
    monkeypatch.setattr("apps.core.scratch.sweep", lambda: 3)
    assert tidy_temporary_files() == 5
