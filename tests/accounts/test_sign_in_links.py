"""One-time sign-in links: the first one, single use, their end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import SignInLink, User
from tests import cast


def token_of(path: str) -> str:
    return path.removeprefix("/accounts/link/").removesuffix("/")


@pytest.mark.django_db
def test_the_first_link_makes_the_owner_and_signs_them_in(client: Client) -> None:
    path = services.first_sign_in_link()
    assert path is not None
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    owner = User.objects.get()
    assert (owner.username, owner.is_superuser, owner.is_staff) == ("owner", True, True)
    assert client.session["_auth_user_id"] == str(owner.pk)


@pytest.mark.django_db
def test_there_is_no_first_link_once_somebody_has_signed_in(client: Client) -> None:
    client.get(services.first_sign_in_link() or "")
    assert services.first_sign_in_link() is None


@pytest.mark.django_db
def test_the_first_link_is_made_anew_while_nobody_came_and_makes_no_second_owner() -> None:
    assert services.first_sign_in_link() != services.first_sign_in_link()
    assert User.objects.count() == 1


def test_there_is_no_first_link_where_only_ordinary_users_are(alice: User) -> None:
    assert services.first_sign_in_link() is None


def test_a_link_works_once(client: Client, alice: User) -> None:
    path = services.sign_in_link_create(user=alice)
    assert client.get(path).status_code == 302
    answer = Client().get(path)
    assert answer.status_code == 410
    assert b"nitro user link" in answer.content


def test_a_link_ends_after_fifteen_minutes(alice: User) -> None:
    token = token_of(services.sign_in_link_create(user=alice))
    lifetime = SignInLink.objects.get().expires - timezone.now()
    assert timedelta(minutes=14) < lifetime <= timedelta(minutes=15)
    SignInLink.objects.update(expires=timezone.now())
    assert services.sign_in_link_use(token=token) is None


def test_a_newer_link_ends_the_older_one(alice: User) -> None:
    older = services.sign_in_link_create(user=alice)
    services.sign_in_link_create(user=alice)
    assert services.sign_in_link_use(token=token_of(older)) is None


def test_a_link_lets_nobody_in_whose_account_is_off(alice: User) -> None:
    path = services.sign_in_link_create(user=alice)
    User.objects.update(is_active=False)
    assert services.sign_in_link_use(token=token_of(path)) is None


def test_a_preview_of_the_address_does_not_use_it_up(client: Client, alice: User) -> None:
    path = services.sign_in_link_create(user=alice)
    assert client.head(path).status_code == 405
    assert client.get(path).status_code == 302


def test_only_a_hash_of_the_token_is_kept(alice: User) -> None:
    token = token_of(services.sign_in_link_create(user=alice))
    kept = SignInLink.objects.values().get()
    assert token not in str(kept)


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["x", "\0", "é" * 500, "%2e%2e"])
def test_a_made_up_token_is_an_ended_link(token: str) -> None:
    assert services.sign_in_link_use(token=token) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_once_exactly_one_wins() -> None:
    token = token_of(services.sign_in_link_create(user=cast.alice()))

    def use(_: int) -> bool:
        try:
            return services.sign_in_link_use(token=token) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(16))) == [False] * 15 + [True]
