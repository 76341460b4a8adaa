"""The last run of `nitro bench`: linked and shown to administrators, and harmless whatever is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from benchmarks.gains import keeping
from tests import cast
from tests.benchmarks.entries import outcome, run

pytestmark = pytest.mark.django_db
LINK = 'href="/performance/bench/"'


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.NITRO_HOME = tmp_path
    return tmp_path


def client(*, staff: bool) -> Client:
    user, found = cast.alice(), Client()
    user.is_staff = staff
    user.save()
    found.force_login(user)
    return found


def test_an_administrator_finds_the_last_run_on_the_performance_page(home: Path) -> None:
    keeping.keep(home, run(outcome()))
    admin = client(staff=True)
    assert LINK in admin.get("/performance/").content.decode()
    shown = admin.get("/performance/bench/")
    assert shown.status_code == 200
    assert "What each optimisation gives" in shown.content.decode()


def test_nobody_else_sees_what_machine_this_is(home: Path) -> None:
    keeping.keep(home, run(outcome()))
    person = client(staff=False)
    assert LINK not in person.get("/performance/").content.decode()
    assert person.get("/performance/bench/").status_code == 404


def test_without_a_run_there_is_no_link() -> None:
    admin = client(staff=True)
    assert LINK not in admin.get("/performance/").content.decode()
    assert admin.get("/performance/bench/").status_code == 404


def test_nothing_in_the_page_can_run_or_load_anything(home: Path) -> None:
    keeping.keep(home, run(outcome()))
    policy = client(staff=True).get("/performance/bench/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "style-src 'unsafe-inline'" in policy


def test_the_performance_page_keeps_its_own_policy(home: Path) -> None:
    keeping.keep(home, run(outcome()))
    assert "unsafe" not in client(staff=True).get("/performance/").headers["Content-Security-Policy"]
