"""Figures of one minute, and the charts that are drawn of many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import timezone

from apps.monitor import performance, report, series
from apps.monitor.charts import HEIGHT, chart, nice_top, path
from apps.monitor.models import Sample
from apps.monitor.readings import Reading

HTTP, TURNS = "nitro_http_seconds", "nitro_turns_total"


def test_only_what_is_new_counts() -> None:
    assert series.since({"a": 5, "b": 2}, {"a": 3, "b": 2}) == {"a": 2}


def test_a_count_that_began_anew_counts_from_zero() -> None:
    assert series.since({"a": 4}, {"a": 900}) == {"a": 4}


def test_a_minute_has_the_figures_of_what_was_done_in_it() -> None:
    before = {f"{HTTP}\tpage\t0.1": 10.0, f"{TURNS}\tollama\tstop": 3.0}
    now = {f"{HTTP}\tpage\t0.1": 14.0, f"{TURNS}\tollama\tstop": 4.0, f"{TURNS}\tmemory\tstop": 2.0}
    found = series.figures(Reading(now, ()), before)
    assert found["page"]["n"] == 4
    assert (found["turns"], found["cached"], found["failed"]) == (3, 2, 0)
    assert "first_word" not in found


def routes(resolver: Any, names: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Every route's name with its address."""
    for one in resolver.url_patterns:
        here = path + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from routes(one, names + (f"{one.namespace}:" if one.namespace else ""), here)
        else:
            yield f"{names}{one.name}", here


def test_what_waits_for_a_model_is_no_slow_page() -> None:
    totals = {f"{HTTP}\tchat:new\t0.1": 3.0, f"{HTTP}\tchat:api-chat\t10": 90.0, f"{HTTP}\tsearch:begin\t10": 5.0}
    assert series.figures(Reading(totals, ()), {})["page"] == {"n": 3.0, "p50": 0.075, "p95": 0.0975}


def test_all_addresses_of_programs_and_no_others_are_no_pages() -> None:
    found = dict(routes(get_resolver()))
    programs = {name for name, path in found.items() if path.startswith(("api/", "v1/"))}
    assert {name for name in found if series.NO_PAGES.fullmatch(name)} == programs | {"search:begin", "probe"}
    assert len(programs) > 30


def test_the_alarm_of_prometheus_means_the_same_pages() -> None:
    rules = Path(__file__).resolve().parents[2] / "deploy/prometheus/alerts.yml"
    assert f'{HTTP}_bucket{{route!~"{series.NO_PAGES.pattern}"}}' in rules.read_text(encoding="utf-8")


def test_the_slowest_route_comes_first() -> None:
    totals = {f"{HTTP}\tfast\t0.005": 9.0, f"{HTTP}\tslow\t1": 1.0}
    assert [one["route"] for one in series.slowest_routes(Reading(totals, ()))] == ["slow", "fast"]
    assert list(report.as_json(Reading(totals, ()), messages=1, jobs={})["responses"]) == ["slow", "fast"]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.003, 0.005), (0.9, 1), (1, 1), (1.01, 2), (2.2, 2.5), (37, 50), (363, 500)]
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert nice_top(value) == pytest.approx(top)


def test_a_curve_runs_through_its_points_and_breaks_where_nothing_was_measured() -> None:
    assert path([(0, 0), (0.1, 1), (0.9, 2)], 2, 0.2) == "M0.0 90.0h0L30.0 45.0M270.0 0.0h0"


def test_a_target_that_would_flatten_everything_is_left_out() -> None:
    assert chart("x", "s", [("p50", [(0, 0.01)])], gap=1, target=60).target_y is None


def test_a_target_in_reach_is_shown() -> None:
    drawn = chart("x", "s", [("p50", [(0, 2.0)])], gap=1, target=3)
    assert drawn.top == 5
    assert drawn.target_y == pytest.approx(HEIGHT * (1 - 3 / 5))


def test_nothing_measured_is_an_empty_chart() -> None:
    assert chart("x", "s", [("p50", []), ("p95", [])], gap=1).is_empty


def test_samples_become_points_in_time() -> None:
    now = timezone.now()
    figures: list[dict[str, Any]] = [{"page": {"n": 1, "p50": 0.1, "p95": 0.2}}, {}, {"page": {"n": 1, "p50": 0.3}}]
    samples = [Sample(minute=now - timedelta(minutes=60 - 20 * n), figures=one) for n, one in enumerate(figures)]
    half = performance.points(samples, "page", "p50", now=now, span=timedelta(hours=1))
    most = performance.points(samples, "page", "p95", now=now, span=timedelta(hours=1))
    assert [(round(at, 3), value) for at, value in half] == [(0.0, 0.1), (0.667, 0.3)]
    assert [value for _, value in most] == [0.2]


def test_what_memory_has_saved() -> None:
    found = performance.gain(Reading({f"{TURNS}\tmemory\tstop": 1, f"{TURNS}\tollama\tstop": 3}, ()))
    assert (found.answers, found.cached, found.percent) == (4, 1, 25)
    assert performance.gain(Reading({}, ())).percent == 0
