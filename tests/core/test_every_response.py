"""What every response carries, and what failures outside of views look like."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.core import pages

PATHS = ["/accounts/sign-in/", "/settings/", "/nothing-here/", "/api/nothing/", "/accounts/link/x/", "/admin/login/"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_every_response_says_how_long_it_took_and_what_a_page_may_do(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert re.fullmatch(r"\d+\.\d{6}", headers["X-Response-Time"])
    assert re.fullmatch(r"app;dur=\d+\.\d\d", headers["Server-Timing"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_no_page_may_run_or_style_inline(client: Client) -> None:
    page = client.get("/accounts/sign-in/")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.content.decode())


@pytest.mark.django_db
def test_unknown_addresses_are_a_page_for_people_and_json_for_programs(client: Client) -> None:
    page = client.get("/nothing-here/", headers={"accept": "text/html"})
    assert (page.status_code, b"There is nothing here." in page.content) == (404, True)
    answer = client.get("/api/nothing/").json()
    assert answer.keys() == {"code", "message", "hint", "details"}
    assert client.get("/v1/nothing").json()["error"]["type"] == "not_found_error"
    assert client.get("/v1").json()["error"]["type"] == "not_found_error"
    assert client.get("/api").json()["code"] == "not_found"


@pytest.mark.parametrize("debugs", [False, True])
def test_a_program_that_forgets_the_last_slash_sends_the_same_again(
    client: Client, settings: Settings, debugs: bool
) -> None:
    """After 301 a POST would become a GET, and a list of chats be taken for the answer."""
    settings.DEBUG = debugs
    answer = client.post("/api/chat?x=1", {"message": "Hi"}, content_type="application/json")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/api/chat/?x=1")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/settings/%00/", "/settings/?q=a%00b", "/nothing/%ED%A0%80/", "/?%FF=%FE"])
def test_strange_addresses_never_break_anything(client: Client, path: str) -> None:
    assert client.get(path).status_code in {302, 400, 404}


def test_a_foreign_host_is_refused(client: Client) -> None:
    assert client.get("/accounts/sign-in/", headers={"host": "evil.example"}).status_code == 400


def test_a_body_over_the_limit_is_413(client: Client, settings: Settings, db: None) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    body, kind = "username=" + "x" * 50, "application/x-www-form-urlencoded"
    page = client.post("/accounts/sign-in/", body, content_type=kind)
    assert page.status_code == 413
    assert b"more than Nitro takes" in page.content


def test_a_bug_is_a_calm_page(rf: RequestFactory) -> None:
    page = pages.server_error(rf.get("/", headers={"accept": "text/html"}))
    assert (page.status_code, b"Something in Nitro broke." in page.content) == (500, True)
    assert pages.server_error(rf.get("/api/chat/")).headers["Content-Type"] == "application/json"


def test_who_may_not_is_told(rf: RequestFactory, db: None) -> None:
    page = pages.permission_denied(rf.get("/", headers={"accept": "text/html"}), Exception())
    assert page.status_code == 403
