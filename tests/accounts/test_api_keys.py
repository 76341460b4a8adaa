"""API keys: how they are made, what is kept of them, how they end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import selectors, services
from apps.accounts.models import ApiKey, User
from apps.core.errors import Invalid, NotFound


def test_a_key_opens_for_its_user_and_only_a_hash_is_kept(alice: User) -> None:
    made = services.api_key_create(user=alice, name="script")
    found = selectors.api_key_of_secret(made.secret)
    assert found is not None
    assert found.user == alice
    assert made.secret.startswith("nk_")
    assert made.secret not in str(ApiKey.objects.values().get())


def test_a_new_key_may_do_everything_but_administration(alice: User) -> None:
    key = services.api_key_create(user=alice, name="script").key
    assert set(key.scopes) == {"chat", "models", "images", "voice", "search"}


@pytest.mark.parametrize("scopes", [["admin"], ["admin:read"], ["everything"], []])
def test_a_key_gets_no_scope_that_its_user_lacks(alice: User, scopes: list[str]) -> None:
    with pytest.raises(Invalid):
        services.api_key_create(user=alice, name="script", scopes=scopes)


def test_revoked_ended_and_made_up_keys_open_nothing(alice: User) -> None:
    revoked = services.api_key_create(user=alice, name="a")
    ended = services.api_key_create(user=alice, name="b", expires=timezone.now() - timedelta(seconds=1))
    services.api_key_revoke(key=revoked.key)
    for secret in (revoked.secret, ended.secret, "nk_" + "x" * 43, "nk_", "", "nk_\0\ud800", ended.key.key_hash):
        assert selectors.api_key_of_secret(secret) is None


def test_a_key_ends_with_its_user(alice: User) -> None:
    secret = services.api_key_create(user=alice, name="a").secret
    User.objects.update(is_active=False)
    assert selectors.api_key_of_secret(secret) is None


def test_the_last_use_is_noted_once_a_minute(alice: User) -> None:
    key = services.api_key_create(user=alice, name="a").key
    services.api_key_touch(key=key)
    first = ApiKey.objects.get().last_used
    services.api_key_touch(key=ApiKey.objects.get())
    assert first is not None
    assert ApiKey.objects.get().last_used == first


def test_a_key_is_revoked_by_its_beginning(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a")
    services.api_key_revoke_by_prefix(prefix=made.secret)
    assert selectors.api_key_of_secret(made.secret) is None


def test_a_beginning_must_mean_one_key(alice: User) -> None:
    for name in "ab":
        services.api_key_create(user=alice, name=name)
    with pytest.raises(Invalid):
        services.api_key_revoke_by_prefix(prefix="nk_")
    with pytest.raises(NotFound):
        services.api_key_revoke_by_prefix(prefix="")
