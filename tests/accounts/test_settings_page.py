"""The settings page: preferences, password, keys, signing out everywhere."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import ApiKey, User
from tests.cast import PASSWORD

PAGE = "/settings/"
NEW = "a much longer phrase"


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_theme_and_system_prompt_are_kept(browser: Client) -> None:
    answer = browser.post(PAGE, {"theme": "dark", "system_prompt": "I live in Bern."})
    assert answer.headers["Location"] == PAGE
    alice = User.objects.get()
    assert (alice.theme, alice.system_prompt) == ("dark", "I live in Bern.")
    assert b"I live in Bern." in browser.get(PAGE).content


@pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"theme": "dark", "system_prompt": "x" * 8001}])
def test_wrong_preferences_are_refused_and_nothing_is_kept(browser: Client, wrong: dict[str, str]) -> None:
    assert browser.post(PAGE, wrong).status_code == 400
    assert User.objects.get().theme == "system"


def test_a_system_prompt_is_text_on_the_page_and_never_markup(browser: Client) -> None:
    browser.post(PAGE, {"theme": "dark", "system_prompt": "</textarea><script>alert(1)</script>"})
    assert b"<script>alert" not in browser.get(PAGE).content


def test_the_theme_switch_stores_at_once(browser: Client) -> None:
    assert browser.post("/accounts/theme/", {"theme": "light"}).status_code == 204
    assert browser.post("/accounts/theme/", {"theme": "pink"}).status_code == 400
    assert User.objects.get().theme == "light"


def test_who_came_by_a_link_sets_a_password_without_an_old_one(browser: Client) -> None:
    assert b"old_password" not in browser.get(PAGE).content
    answer = browser.post("/settings/password/", {"new_password1": NEW, "new_password2": NEW})
    assert answer.status_code == 302
    assert User.objects.get().check_password(NEW)
    assert browser.get(PAGE).status_code == 200


def test_a_password_is_only_changed_with_the_old_one(client: Client, db: None) -> None:
    carol = services.user_create(username="carol", password=PASSWORD)
    client.force_login(carol)
    new = {"new_password1": NEW, "new_password2": NEW}
    assert client.post("/settings/password/", new).status_code == 400
    assert client.post("/settings/password/", {"old_password": PASSWORD, **new}).status_code == 302


def test_a_new_password_signs_out_the_other_browsers(browser: Client, alice: User) -> None:
    other = Client()
    other.force_login(alice)
    browser.post("/settings/password/", {"new_password1": NEW, "new_password2": NEW})
    assert other.get(PAGE).status_code == 302


def test_a_short_password_is_refused(browser: Client) -> None:
    answer = browser.post("/settings/password/", {"new_password1": "short", "new_password2": "short"})
    assert answer.status_code == 400
    assert b"at least 10 characters" in answer.content


def test_a_key_is_shown_once_and_works(browser: Client) -> None:
    page = browser.post("/settings/keys/", {"name": "editor", "scopes": ["chat"], "lifetime": "30"}).content.decode()
    secret = re.search(r"nk_[\w-]{43}", page)
    assert secret is not None
    key = services.api_key_use(secret=secret.group())
    assert key is not None
    assert (key.name, key.scopes, key.expires is None) == ("editor", ["chat"], False)
    assert secret.group() not in browser.get(PAGE).content.decode()


def test_only_staff_is_offered_the_scope_admin(browser: Client) -> None:
    assert browser.post("/settings/keys/", {"name": "x", "scopes": ["admin"]}).status_code == 400
    assert not ApiKey.objects.exists()


def test_nobody_revokes_the_key_of_another(browser: Client, bob: User) -> None:
    key = services.api_key_create(user=bob, name="his").key
    assert browser.post(f"/settings/keys/{key.pk}/revoke/").status_code == 404
    assert ApiKey.objects.get().revoked is None


def test_an_own_key_is_revoked(browser: Client, alice: User) -> None:
    made = services.api_key_create(user=alice, name="mine")
    assert browser.post(f"/settings/keys/{made.key.pk}/revoke/").status_code == 302
    assert services.api_key_use(secret=made.secret) is None


def test_signing_out_everywhere_ends_every_session(browser: Client, alice: User) -> None:
    other = Client()
    other.force_login(alice)
    browser.post("/settings/sign-out-everywhere/")
    assert other.get(PAGE).status_code == 302
    assert browser.get(PAGE).status_code == 302
