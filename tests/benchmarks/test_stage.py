"""The stage: real stores and web processes, free of anybody's settings, and nothing left when it is over."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from benchmarks import household
from benchmarks.gains.stage import Stage, alone, outside
from benchmarks.household import surroundings
from nitro.process import Program, spawn


def test_nobodys_settings_reach_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/theirs")
    monkeypatch.setenv("CACHE_TTL", "7")
    with alone():
        assert "DATABASE_URL" not in os.environ | outside()
        assert "CACHE_TTL" not in os.environ
    assert os.environ["CACHE_TTL"] == "7"


def test_nobodys_settings_reach_a_household(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = {"DATABASE_URL": "postgres://elsewhere/theirs", "SENTRY_DSN": "https://x@y/1", "CACHE_TTL": "7"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    around = surroundings(tmp_path, 9)
    told = Program([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"], environment=around)
    with household.alone(), (tmp_path / "said").open("wb") as output:
        child = spawn(told, output)
        assert child.wait(60) == 0
    found = json.loads((tmp_path / "said").read_text())
    assert not theirs.keys() & found.keys()
    assert found["NITRO_HOME"] == str(tmp_path)
    assert os.environ["CACHE_TTL"] == "7"


@pytest.mark.slow
def test_a_stage_puts_up_web_processes_and_leaves_nothing_behind() -> None:
    with Stage() as stage:
        house = stage.web({"CACHE_TTL": "0"}, workers=2)
        with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/readyz", timeout=5) as answer:
            assert answer.status == 200
        (seat,) = house.seats(1)
        assert seat.cookie
        stores, home = stage.stores().children, stage.home
        web = house.children["web1-1"].pid
        stage.clear()
        assert not psutil.pid_exists(web)
        assert stores["postgres"].poll() is None
    assert all(child.poll() is not None for child in stores.values())
    assert not home.exists()
