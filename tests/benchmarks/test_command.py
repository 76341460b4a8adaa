"""`nitro bench` as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.gains import command
from benchmarks.gains.registry import NAMES
from benchmarks.household import ROOT
from benchmarks.load.run import Load
from tests.benchmarks.entries import outcome, run

QUICK = ("--only", "orjson-read", "--quick")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from nitro import settings

    monkeypatch.setattr(settings, "NITRO_HOME", tmp_path)
    return tmp_path


def test_it_lists_its_scenarios_and_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)


def test_it_measures_writes_and_prints(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*QUICK, "--json", str(home / "run.json"), "--html", str(home / "run.html")]) == 0
    shown = json.loads((home / "run.json").read_text())
    assert [one["name"] for one in shown["scenarios"]] == ["orjson-read"]
    assert len(shown["scenarios"][0]["baseline"]["samples"]) == 3
    assert "<svg" in (home / "run.html").read_text()
    assert "3 to 5 times as fast as json" in capsys.readouterr().out


def test_a_part_of_a_run_is_not_kept_as_the_last_one(home: Path) -> None:
    command.main(list(QUICK))
    assert not (home / "bench").exists()


def test_a_whole_run_is_kept_and_a_quick_one_leaves_it_alone(home: Path) -> None:
    whole = run(outcome())
    command.save(command.parse([]), whole, home)
    command.save(command.parse(["--quick"]), run(outcome(old=(99.0, 99.0, 99.0))), home)
    assert (home / "bench" / "last.html").exists()
    assert json.loads((home / "bench" / "last.json").read_text()) == whole


def test_a_quick_run_of_everything_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "NAMES", ["orjson-read"])
    assert command.main(["--quick"]) == 0
    assert not (home / "bench").exists()


def test_people_come_at_the_end_of_a_whole_run_and_alone_where_they_are_asked_for() -> None:
    def who(*words: str) -> str:
        profile = command.people(command.parse(words))
        return profile.name if profile else "nobody"

    assert who() == "short"
    assert who("--quick") == who("--only", "orjson-read") == "nobody"
    assert who("--load", "server") == "server"
    assert who("--load", "30", "--only", "orjson-read") == "30"


def test_people_alone_are_reported_and_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def let_in(load: Load, entries: list[dict[str, Any]]) -> None:
        entries.append({"people": load.profile.people, "seconds": load.profile.seconds, "real": load.real})

    monkeypatch.setattr(Load, "whatever_comes", let_in)
    monkeypatch.setattr("benchmarks.gains.tables.report", str)
    words = ["--load", "3", "--load-seconds", "9", "--load-model", "real", "--json", str(home / "run.json")]
    assert command.main(words) == 0
    shown = json.loads((home / "run.json").read_text())
    assert (shown["scenarios"], shown["load"]) == ([], [{"people": [3], "seconds": 9.0, "real": True}])
    assert not (home / "bench").exists()


def test_nobody_knows_other_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--load", "mainframe"]) == 2
    assert "--load takes laptop, server, cloud" in capsys.readouterr().err


def test_a_wrong_name_ends_it_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "warp-drive"]) == 2
    assert "There is no scenario 'warp-drive'" in capsys.readouterr().err


def test_it_refuses_another_machine_before_it_measures(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    then = run(outcome())
    then["machine"]["fingerprint"] = "0" * 12
    (home / "then.json").write_text(json.dumps(then))
    assert command.main([*QUICK, "--compare", str(home / "then.json")]) == 2
    said = capsys.readouterr()
    assert "--anyway" in said.err
    assert "Baseline" not in said.out
    assert command.main([*QUICK, "--compare", str(home / "then.json"), "--anyway"]) == 0


def test_it_compares_with_an_earlier_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main([*QUICK, "--json", str(home / "then.json")])
    assert command.main([*QUICK, "--compare", str(home / "then.json")]) == 0
    assert "Compared with the earlier run" in capsys.readouterr().out


def test_it_says_which_commit_was_measured_where_there_is_one() -> None:
    assert command.product()["version"]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("pressed", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing_running_and_keeps_what_was_measured(tmp_path: Path, pressed: signal.Signals) -> None:
    environment = {**os.environ, "NITRO_HOME": str(tmp_path / "home"), "TMPDIR": "/tmp"}  # noqa: S108
    argv = [sys.executable, "-m", "nitro", "bench", "--only", "orjson-read", "cache-chat", "--json", "run.json"]
    environment["PYTHONPATH"] = str(ROOT)
    child = subprocess.Popen(argv, env=environment, cwd=tmp_path, start_new_session=True)
    try:
        family = until_webs(child)
        child.send_signal(pressed)
        assert child.wait(120) == 130
        assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        child.kill()
        child.wait()
    shown = json.loads((tmp_path / "run.json").read_text())
    assert (shown["interrupted"], shown["scenarios"][0]["name"]) == (True, "orjson-read")


def until_webs(child: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All of its descendants, as soon as a web process is among them."""
    for _ in range(1800):
        family = psutil.Process(child.pid).children(recursive=True)
        if any("nitro.web" in words(one) for one in family):
            return family
        time.sleep(0.1)
    raise AssertionError("no web process was started")


def words(process: psutil.Process) -> list[str]:
    """Its command line; empty where it has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
