"""The guard over gains, with made-up figures: what makes it fail, and what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gains import guard
from benchmarks.gains.guard import (
    RATIOS,
    NoRatios,
    Ratio,
    ceiling,
    floor,
    gone,
    keep,
    kept_ratios,
    main,
    ratio,
    verdict,
)
from benchmarks.gains.registry import NAMES

KEPT = Ratio(3.0, 2.0, 4.0)
NAME = "orjson-read"


def entry(name: str = NAME, old: tuple[float, ...] = (30.0, 30.0, 30.0), new: float = 10.0) -> dict[str, Any]:
    sides = {"baseline": {"samples": list(old)}, "optimised": {"samples": [new] * len(old)}}
    return {"name": name, "better": "less", "gain": {}, **sides}


def run(*entries: dict[str, Any]) -> dict[str, Any]:
    machine = {
        "processor": "Abacus", "cores": 2, "memory_in_words": "4 GB", "gpus": [], "system": "Linux", "release": "6",
        "python": "3.11",
    }  # fmt: skip
    return {"made_at": "2026-11-27T12:00:00+00:00", "machine": machine, "scenarios": list(entries)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one ratio of 3, from 2 to 4."""
    keep(tmp_path / "ratios.json", run(entry(old=(20.0, 30.0, 40.0))))
    return tmp_path / "ratios.json"


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


def checked(path: Path, run_file: Path, *entries: dict[str, Any]) -> int:
    run_file.write_text(json.dumps(run(*entries)), encoding="utf-8")
    return main(["--from", str(run_file), "--only", NAME], path)


# --- one ratio -------------------------------------------------------------------------------------------------------


def test_a_ratio_is_taken_pair_by_pair() -> None:
    assert ratio(entry(old=(20.0, 30.0, 40.0))) == KEPT
    assert ratio(entry(old=(20.0, 30.0, 40.0)) | {"better": "more"}) == Ratio(1 / 3, 0.25, 0.5)


@pytest.mark.parametrize(
    ("now", "words", "bad"),
    [
        (3.0, "as kept", False),
        (1.7, "as kept", False),
        (1.6, "WORSE", True),
        (0.5, "WORSE", True),
        (9.0, "better", False),
    ],
)
def test_worse_is_under_every_kept_pair_and_not_by_little(now: float, words: str, bad: bool) -> None:
    found = verdict("x", KEPT, Ratio(now, now / 2, now * 2), "")
    assert (found.words, found.bad, found.again) == (words, bad, bad)


def test_a_small_gain_may_lose_a_tenth_and_a_great_one_a_quarter_of_itself() -> None:
    assert floor(1.0) == pytest.approx(0.9)
    assert floor(81.0) == pytest.approx(27.0)
    assert ceiling(27.0) == pytest.approx(81.0)


def test_a_scenario_that_broke_is_bad() -> None:
    assert verdict("x", KEPT, None, "It failed: ZeroDivisionError").bad


def test_a_scenario_that_cannot_be_measured_here_is_not() -> None:
    found = verdict("x", KEPT, None, "There is no Ollama here.")
    assert not found.bad
    assert found.words == "not measured: There is no Ollama here."


def test_a_new_scenario_asks_to_be_kept() -> None:
    found = verdict("x", None, KEPT, "")
    assert not found.bad
    assert "make bench-keep" in found.words


def test_a_ratio_that_nobody_measures_any_more_is_bad() -> None:
    (found,) = gone(["warp-drive", NAME], [NAME])
    assert (found.name, found.bad) == ("warp-drive", True)


# --- the whole check -------------------------------------------------------------------------------------------------


def test_the_same_ratio_passes(path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(path, run_file, entry()) == 0
    assert "Nothing has become worse." in capsys.readouterr().out


def test_twice_the_time_on_both_sides_passes(path: Path, run_file: Path) -> None:
    assert checked(path, run_file, entry(old=(60.0, 60.0), new=20.0)) == 0


def test_a_lost_gain_fails_and_is_named(path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(path, run_file, entry(new=25.0)) == 1
    said = capsys.readouterr().out
    assert f"Worse than kept: {NAME}." in said
    assert "1.20 ×" in said


def test_what_looks_worse_is_measured_once_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = [run(entry(new=25.0)), run(entry())]
    monkeypatch.setattr(guard, "measure", lambda names: results.pop(0))
    assert main(["--only", NAME], path) == 0
    results = [run(entry(new=25.0)), run(entry(new=25.0))]
    assert main(["--only", NAME], path) == 1


def test_a_check_that_was_ended_early_says_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "measure", lambda names: run(entry(new=25.0)) | {"interrupted": True})
    assert main(["--only", NAME], path) == 130
    assert main(["--keep", "--only", NAME], path) == 130
    assert kept_ratios(path)[0][NAME].median == pytest.approx(1.2)


def test_keeping_leaves_what_was_not_measured(path: Path) -> None:
    keep(path, run(entry("orjson-write", old=(50.0,))))
    kept, where = kept_ratios(path)
    assert kept == {NAME: KEPT, "orjson-write": Ratio(5.0, 5.0, 5.0)}
    assert where.startswith("Abacus, 2 cores")


def test_keeping_forgets_what_there_is_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "NAMES", {"orjson-write": ""})
    keep(path, run())
    assert kept_ratios(path)[0] == {}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 9}', '{"version": 1, "machine": "", "ratios": {"x": {"a": 1}}}']
)
def test_a_file_that_holds_none_is_a_sentence(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ratios.json").write_text(text, encoding="utf-8")
    with pytest.raises(NoRatios):
        kept_ratios(tmp_path / "ratios.json")
    assert main(["--from", str(tmp_path / "nowhere.json")], tmp_path / "ratios.json") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_kept_file_is_of_this_project() -> None:
    kept, where = kept_ratios(RATIOS)
    assert where
    assert set(kept) <= set(NAMES)
    assert all(0 < one.low <= one.median <= one.high for one in kept.values())
    assert "times" not in RATIOS.read_text(encoding="utf-8")


def test_it_really_measures(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keep", "--only", NAME], path) == 0
    assert kept_ratios(path)[0][NAME].low > 0
    assert main(["--only", NAME], path) in {0, 1}
    assert NAME in capsys.readouterr().out
