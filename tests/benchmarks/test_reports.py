"""What a run looks like: on a terminal, as a page, as JSON, and beside an earlier one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.core.fingerprint import fingerprint, processor, this_machine
from benchmarks.gains import comparison, keeping, tables
from benchmarks.gains.comparison import Incomparable
from benchmarks.gains.page import page
from benchmarks.gains.result import Left
from benchmarks.gains.wording import gained, number, share
from tests.benchmarks.entries import outcome, run, scenario


def test_json_has_the_shape_that_other_programs_read() -> None:
    shown = run(outcome(), Left(scenario("models"), "There is no Ollama."))
    assert shown["version"] == 1
    assert {"version", "made_at", "machine", "nitro", "seconds", "scenarios", "load"} <= set(shown)
    done, left = shown["scenarios"]
    assert {"name", "title", "switched", "unit", "better", "guide", "baseline", "optimised", "gain"} <= set(done)
    assert {"label", "samples", "median", "p95", "low", "high"} <= set(done["baseline"])
    assert set(done["gain"]) == {"median", "low", "high"}
    assert left["skipped"] == "There is no Ollama."
    json.dumps(shown)


def test_two_tables_have_an_operation_a_line_beside_the_guide_s_figure() -> None:
    text = tables.report(run(outcome()))
    baseline, optimised = text.split("Optimised")
    assert "A page     none  9.00 kB  10.0  8.00 – 10.0" in baseline
    assert "4.00 × (75 % less), 4.00 – 4.00  60 to 80 % smaller" in optimised


def test_a_report_says_what_machine_it_ran_on_and_what_is_missing() -> None:
    text = tables.report(run(outcome(), Left(scenario("models"), "There is no Ollama."), interrupted=True))
    assert this_machine()["memory_in_words"] in text
    assert "models: There is no Ollama." in text
    assert "Ctrl-C ended the run early" in text


def test_chance_is_called_chance() -> None:
    assert "no difference seen" in gained({"better": "less", "gain": {"median": 1.02, "low": 0.9, "high": 1.1}})


@pytest.mark.parametrize(
    ("factor", "better", "words"),
    [(2.0, "less", "50 % less"), (0.5, "less", "100 % more"), (3.0, "more", "200 % more"), (0.5, "more", "50 % less")],
)
def test_a_factor_reads_as_the_guide_s_percentages_do(factor: float, better: str, words: str) -> None:
    assert share(factor, better) == words


@pytest.mark.parametrize(
    ("value", "words"), [(12345.6, "12,346"), (99.94, "99.9"), (1.234, "1.23"), (0.01234, "0.0123"), (0.0, "0.00")]
)
def test_figures_have_the_digits_they_deserve(value: float, words: str) -> None:
    assert number(value) == words


def test_the_page_escapes_whatever_it_is_told() -> None:
    bad = "<script>alert(1)</script>\"'&"
    html = page(run(outcome(scenario(title=bad, guide=bad)), Left(scenario(title=bad), bad)))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in html


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    html = page(run(outcome()))
    assert not any(word in html for word in ("<script", "http://", "https://", "src=", "style=", "onclick"))


def test_every_sample_is_drawn_outliers_included() -> None:
    html = page(run(outcome(old=(1.0, 1.0, 1.0, 1.0, 99.0))))
    assert html.count("<circle") == 10
    assert 'cx="294.0"' in html


def test_an_earlier_run_of_this_machine_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "then.json"
    file.write_text(json.dumps(run(outcome(old=(18.0, 16.0, 20.0)))))
    then, now = comparison.earlier(file), run(outcome(), outcome(scenario("new")))
    comparison.check(then, now["machine"], anyway=False)
    assert list(comparison.changes(then, now)) == [("A page", "4.50 kB", "2.25 kB", "-50 %", "4.00 ×", "4.00 ×")]


def test_a_change_within_the_spread_is_called_that() -> None:
    (line,) = comparison.changes(run(outcome(old=(9.0, 7.0, 11.0))), run(outcome()))
    assert line[3] == "+0 % (within the spread)"


def test_another_machine_is_refused_with_a_sentence_unless_somebody_insists() -> None:
    then = run(outcome())
    then["machine"] = then["machine"] | {"processor": "Another 9000", "fingerprint": "0" * 12}
    with pytest.raises(Incomparable, match=r"another machine \(Another 9000.*--anyway"):
        comparison.check(then, this_machine(), anyway=False)
    comparison.check(then, this_machine(), anyway=True)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99, "machine": {}}', '{"version": 1}'])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "then.json"
    file.write_text(text)
    with pytest.raises(Incomparable, match="nitro bench --json"):
        comparison.earlier(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Incomparable, match="cannot be read"):
        comparison.earlier(tmp_path / "none.json")


def test_the_fingerprint_is_the_machine_s_and_not_the_python_s() -> None:
    facts = this_machine()
    assert fingerprint(facts | {"python": "3.99", "release": "7.0"}) == facts["fingerprint"]
    assert fingerprint(facts | {"cores": 99}) != facts["fingerprint"]
    assert fingerprint(facts | {"processor": "Another"}) != facts["fingerprint"]


def test_a_machine_that_does_not_name_its_processor_still_has_one() -> None:
    assert processor("/nowhere/cpuinfo")


def test_the_last_run_is_kept_whole(tmp_path: Path) -> None:
    shown: dict[str, Any] = run(outcome())
    path = keeping.keep(tmp_path, shown)
    assert json.loads((tmp_path / "bench" / "last.json").read_text()) == shown
    assert path.read_text() == page(shown)
    assert sorted(one.name for one in path.parent.iterdir()) == ["last.html", "last.json"]
