"""Who came in, what it costs to know, and whether they may still be here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts import services
from apps.accounts.access import access_by_key, access_by_session
from apps.accounts.models import READ, Scope, User
from apps.core.errors import Invalid
from tests import cast


@pytest.fixture
def session_key(client: Client, alice: User) -> str:
    client.force_login(alice)
    return str(client.session.session_key)


def test_a_session_costs_two_queries(
    session_key: str, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        access = access_by_session(session_key)
    assert access.user == alice


def test_a_key_costs_one_query(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    secret = services.api_key_create(user=alice, name="a").secret
    for _ in range(2):
        with django_assert_num_queries(1):
            assert access_by_key(secret).user == alice


def test_a_key_allows_its_scopes_and_a_browser_everything(alice: User, session_key: str) -> None:
    access = access_by_key(services.api_key_create(user=alice, name="a", scopes=["chat"]).secret)
    assert (access.allows("chat"), access.allows("images")) == (True, False)
    assert access_by_session(session_key).allows("images")


def test_a_reading_scope_allows_reading_in_its_area_alone(alice: User) -> None:
    access = access_by_key(services.api_key_create(user=alice, name="a", scopes=["chat:read"]).secret)
    assert access.allows("chat", reading=True)
    assert not access.allows("chat")
    assert not access.allows("images", reading=True)


def test_every_area_can_be_opened_for_reading_alone() -> None:
    assert {scope.area + READ for scope in Scope} <= set(Scope.values)


def test_the_scope_admin_ends_with_the_administrator(db: None) -> None:
    secret = services.api_key_create(user=cast.admin(), name="a", scopes=["admin"]).secret
    assert access_by_key(secret).allows("admin")
    User.objects.update(is_staff=False)
    assert not access_by_key(secret).allows("admin")


def sign_out_everywhere(alice: User) -> None:
    services.sessions_end(user=alice)


def change_password(alice: User) -> None:
    services.password_set(user=alice, password="another long phrase")


def switch_off(alice: User) -> None:
    User.objects.update(is_active=False)


def delete(alice: User) -> None:
    alice.delete()


@pytest.mark.parametrize("end", [sign_out_everywhere, change_password, switch_off, delete])
def test_a_session_lets_nobody_in_after(end: Callable[[User], None], alice: User, session_key: str) -> None:
    assert access_by_session(session_key).user == alice
    end(alice)
    assert access_by_session(session_key).user.is_anonymous


def test_a_session_lets_nobody_in_after_signing_out(client: Client, session_key: str) -> None:
    client.post("/accounts/sign-out/")
    assert access_by_session(session_key).user.is_anonymous


def revoke(alice: User) -> None:
    services.api_key_revoke(key=alice.api_keys.get())


@pytest.mark.parametrize("end", [revoke, switch_off, delete])
def test_a_key_lets_nobody_in_after(end: Callable[[User], None], alice: User) -> None:
    secret = services.api_key_create(user=alice, name="a").secret
    assert access_by_key(secret).user == alice
    end(alice)
    assert access_by_key(secret).user.is_anonymous


@pytest.mark.parametrize("session_key", ["", "x", "a\0bcdefgh", "é" * 32, "a" * 32, "'" * 10])
def test_a_made_up_session_is_a_stranger(db: None, session_key: str) -> None:
    assert access_by_session(session_key).user.is_anonymous


@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "a\0b", "alice"])
def test_a_name_that_cannot_be_taken_is_refused(alice: User, name: str) -> None:
    with pytest.raises(Invalid):
        services.user_create(username=name)
