"""`nitro doctor --performance`: what is on, what is off, and what it gives by the last bench."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from apps.core import checklist
from apps.core.checklist import ITEMS, has_compressed, is_near
from apps.core.fingerprint import this_machine
from apps.core.last_bench import last_bench
from benchmarks.gains.registry import NAMES

HERE = str(this_machine()["fingerprint"])


def bench(home: Path, *entries: dict[str, Any], fingerprint: str = HERE) -> None:
    """A bench as `nitro bench` leaves it."""
    (home / "bench").mkdir()
    machine = {"fingerprint": fingerprint, "processor": "Abacus 3000"}
    told = {"version": 1, "made_at": "2026-11-27T12:00:00+00:00", "machine": machine, "scenarios": list(entries)}
    (home / "bench" / "last.json").write_text(json.dumps(told), encoding="utf-8")


def entry(name: str = "cache-chat", low: float = 9.0, high: float = 12.0) -> dict[str, Any]:
    gain = {"median": (low + high) / 2, "low": low, "high": high}
    sides = {"baseline": {"label": "fresh"}, "optimised": {"label": "cached"}}
    return {"name": name, "title": "A chat", "better": "less", "gain": gain, **sides}


def report(*words: str) -> str:
    output = io.StringIO()
    call_command("doctor", "--performance", *words, stdout=output, no_color=True)
    return output.getvalue()


def state(name: str) -> str:
    (item,) = (item for item in ITEMS if item.name == name)
    return item.look().state


def test_all_of_the_list_is_told(tmp_path: Path) -> None:
    with override_settings(NITRO_HOME=tmp_path):
        text = report()
    assert all(item.name in text for item in ITEMS)
    assert "Nothing has been measured here yet: run `nitro bench`" in text


@pytest.mark.parametrize(
    ("item", "changed"),
    [
        ("production mode", {"DEBUG_MODE": True}),
        ("production mode", {"LOG_LEVEL": "DEBUG"}),
        ("token limit", {"MAX_TOKENS": 2000}),
        ("local model", {"AI_MODEL": "gemini"}),
        ("local model", {"AI_MODEL": "openai", "OPENAI_BASE_URL": ["https://models.example.com/v1"]}),
        ("Redis", {"REDIS_URL": "unix:///nowhere/redis.sock"}),
        ("reply cache", {"CACHE_TTL": 0}),
        ("compression", {"MIDDLEWARE": []}),
        ("connection pool", {"DB_POOL_MAX": 1}),
        ("static files", {"STATIC_ROOT": Path("/nowhere")}),
        ("fault reports", {"SENTRY_DSN": ""}),
        ("traces", {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "SENTRY_DSN": "https://key@faults.example.com/1"}),
        ("alerts", {"ALERT_EMAIL": [], "ALERT_WEBHOOK_URL": ""}),
        ("cleanup", {"SESSION_RETENTION_DAYS": 0}),
    ],
)
def test_what_is_switched_off_is_off(item: str, changed: dict[str, Any]) -> None:
    with override_settings(**changed):
        (found,) = (one.look() for one in ITEMS if one.name == item)
    assert found.state == "off"
    assert found.hint


@pytest.mark.parametrize(
    ("item", "changed"),
    [
        ("production mode", {"DEBUG_MODE": False, "LOG_LEVEL": "WARNING"}),
        ("token limit", {"MAX_TOKENS": 500}),
        ("local model", {"AI_MODEL": "openai", "OPENAI_BASE_URL": ["http://192.168.1.9:8000/v1"]}),
        ("local model", {"AI_MODEL": "builtin", "OPENAI_BASE_URL": ["https://models.example.com/v1"]}),
        ("local model", {"AI_MODEL": "auto", "OPENAI_BASE_URL": [], "GEMINI_API_KEY": ""}),
        ("Redis", {}),
        ("reply cache", {"CACHE_TTL": 3600}),
        ("compression", {}),
        ("streaming", {}),
        ("batching", {}),
        ("metrics", {}),
        ("fault reports", {"SENTRY_DSN": "https://key@faults.example.com/1"}),
        ("traces", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}),
        ("alerts", {"ALERT_EMAIL": ["alice@example.com"]}),
        ("alerts", {"ALERT_WEBHOOK_URL": "https://chat.example.com/hook"}),
    ],
)
def test_what_is_there_is_on(item: str, changed: dict[str, Any]) -> None:
    with override_settings(**changed):
        assert state(item) == "on"


def test_one_web_process_is_enough_for_one_core_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(WEB_WORKERS=1):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
        assert state("web processes") == "on"
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
        assert state("web processes") == "off"


def test_a_library_that_was_loaded_too_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checklist, "LATE_LIBRARIES", ("abacus",))
    assert state("lazy loading") == "on"
    monkeypatch.setitem(sys.modules, "abacus", sys)
    assert "abacus" in checklist.lazy().message
    assert state("lazy loading") == "off"


def test_static_files_count_when_they_are_hashed_and_compressed(tmp_path: Path) -> None:
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": {"a.css": "a.1234.css"}}), encoding="utf-8")
    assert not has_compressed(tmp_path)
    (tmp_path / "a.1234.css.br").touch()
    assert has_compressed(tmp_path)


@pytest.mark.parametrize(
    "url", ["http://localhost:11434", "http://[::1]:8000", "http://10.1.2.3", "http://ollama:11434"]
)
def test_this_network_is_near(url: str) -> None:
    assert is_near(url)


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "http://8.8.8.8", "https://box.example.org"])
def test_the_world_is_far(url: str) -> None:
    assert not is_near(url)


# --- the last bench --------------------------------------------------------------------------------------------------


def test_gains_of_this_machine_stand_beside_their_items(tmp_path: Path) -> None:
    bench(tmp_path, entry(), {"name": "pool", "title": "The pool", "skipped": "There was no time."})
    with override_settings(NITRO_HOME=tmp_path, CACHE_TTL=0):
        text = report()
        told = json.loads(report("--json"))
    assert "A chat: 10.50 × as fast (9.00 – 12.00)" in text
    assert "2026-11-27T12:00:00+00:00 on this machine" in text
    (cache,) = (one for one in told["items"] if one["item"] == "reply cache")
    assert (cache["state"], cache["hint"]) == ("off", "Set CACHE_TTL=3600.")
    assert cache["gains"] == [{"scenario": "cache-chat", "median": 10.5, "low": 9.0, "high": 12.0}]


def test_a_difference_that_was_not_seen_is_no_gain(tmp_path: Path) -> None:
    bench(tmp_path, entry(low=0.9, high=1.1))
    assert "no difference seen" in last_bench(tmp_path, HERE).gains["cache-chat"].sentence


def test_figures_of_another_machine_are_not_used(tmp_path: Path) -> None:
    bench(tmp_path, entry(), fingerprint="0" * 12)
    found = last_bench(tmp_path, HERE)
    assert not found.gains
    assert "another machine (Abacus 3000)" in found.problem


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 1, "machine": {"fingerprint": 1}}', "null"])
def test_a_bench_that_cannot_be_read_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "last.json").write_text(text, encoding="utf-8")
    found = last_bench(tmp_path, HERE)
    assert not found.gains
    assert "nitro bench" in found.problem


def test_programs_get_fixed_names() -> None:
    told = json.loads(report("--json"))
    assert set(told) == {"bench", "items"}
    assert all(set(item) == {"item", "state", "message", "hint", "gains"} for item in told["items"])
    assert {item["state"] for item in told["items"]} <= {"on", "off", "elsewhere"}


def test_only_scenarios_that_exist_are_looked_for() -> None:
    assert {name for item in ITEMS for name in item.scenarios} <= set(NAMES)
