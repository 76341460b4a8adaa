"""What a request sets off bears its name, and logs can be read by programs."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.core import tracing
from apps.core.logs import JsonFormatter, LineFormatter
from nitro.celery import go_on_with, name_task
from nitro.console import Console


def record(message: str, *args: object, exc_info: Any = None) -> logging.LogRecord:
    made = logging.LogRecord("nitro", logging.WARNING, __file__, 1, message, args, exc_info)
    tracing.Names().filter(made)
    return made


def as_json(made: logging.LogRecord) -> dict[str, str]:
    found: dict[str, str] = json.loads(JsonFormatter("web-1").format(made))
    return found


@pytest.fixture(autouse=True)
def no_request() -> None:
    tracing.go_on("")


def test_every_response_names_its_request() -> None:
    first, second = (Client().get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 16
    assert first != second


def test_a_proxy_may_name_it() -> None:
    assert Client().get("/healthz", headers={"X-Request-ID": "proxy-4711"}).headers["X-Request-ID"] == "proxy-4711"


@pytest.mark.parametrize("name", ["short", "x" * 65, "a b c d e f g h", "line\nbreak-12345", "späße-12345"])
def test_an_unsound_name_is_replaced(name: str) -> None:
    assert tracing.begin(name) != name


def test_lines_of_a_request_bear_its_name() -> None:
    tracing.begin("request-1")
    assert LineFormatter("%(message)s").format(record("said")) == "said [request-1]"


def test_lines_of_nobody_bear_none() -> None:
    assert LineFormatter("%(message)s").format(record("said")) == "said"


def test_a_task_bears_the_name_of_the_request_that_sent_it() -> None:
    tracing.begin("request-1")
    headers: dict[str, Any] = {}
    name_task(headers=headers)
    tracing.go_on("")
    task: Any = type("Task", (), {"request": headers})
    go_on_with(task=task)
    assert tracing.current() == "request-1"


def test_a_record_is_one_object() -> None:
    tracing.begin("request-1")
    found = as_json(record("Not Found: %s", "/x"))
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "nitro",
        "process": "web-1",
        "message": "Not Found: /x",
        "request_id": "request-1",
    }


@given(st.text())
def test_whatever_a_visitor_says_stays_in_its_object(text: str) -> None:
    line = JsonFormatter("web-1").format(record("%s", text))
    assert len(line.splitlines()) == 1
    assert isinstance(json.loads(line), dict)


def test_secrets_are_cut_from_messages_and_tracebacks() -> None:
    try:
        raise ValueError("nk_abcdefghijkl")
    except ValueError:
        found = as_json(record("key nk_abcdefghijkl", exc_info=sys.exc_info()))
    assert "abcdefghijkl" not in json.dumps(found)
    assert "ValueError" in found["exception"]


def test_all_processes_write_objects_where_that_is_asked_for() -> None:
    out = io.StringIO()
    console = Console(out, as_json=True)
    console.line("web-1", JsonFormatter("web-1").format(record("ours")))
    console.line("postgres", 'FATAL: "theirs"')
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first["message"] == "ours"
    assert second == {"process": "postgres", "message": 'FATAL: "theirs"'}
