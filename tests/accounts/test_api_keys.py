"""API keys: how they are made, what is kept of them, how they end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiKey, User
from apps.core.errors import Invalid, NotFound


def test_a_key_opens_for_its_user_and_only_a_hash_is_kept(alice: User) -> None:
    made = services.api_key_create(user=alice, name="script")
    found = services.api_key_use(secret=made.secret)
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
        assert services.api_key_use(secret=secret) is None


def test_a_key_ends_with_its_user(alice: User) -> None:
    secret = services.api_key_create(user=alice, name="a").secret
    User.objects.update(is_active=False)
    assert services.api_key_use(secret=secret) is None


def test_the_last_use_is_noted_once_a_minute(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a")
    for seen, noted in ((None, True), (timedelta(seconds=59), False), (timedelta(seconds=61), True)):
        before = seen and timezone.now() - seen
        ApiKey.objects.update(last_used=before)
        services.api_key_use(secret=made.secret)
        assert (ApiKey.objects.get().last_used != before) is noted


def test_a_key_that_opens_nothing_is_not_noted(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a")
    services.api_key_revoke(key=made.key)
    services.api_key_use(secret=made.secret)
    assert ApiKey.objects.get().last_used is None


def test_a_key_comes_with_everything_that_its_row_and_its_users_hold(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a", expires=timezone.now() + timedelta(days=1))
    used = services.api_key_use(secret=made.secret)
    assert used is not None
    for found, kept in ((used, made.key), (used.user, alice)):
        values = [getattr(found, field.attname) for field in found._meta.concrete_fields]
        assert values == [getattr(kept, field.attname) for field in kept._meta.concrete_fields]
        assert not found.get_deferred_fields()


def test_a_key_is_revoked_by_its_beginning(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a")
    services.api_key_revoke_by_prefix(prefix=made.secret)
    assert services.api_key_use(secret=made.secret) is None


def test_a_beginning_must_mean_one_key(alice: User) -> None:
    for name in "ab":
        services.api_key_create(user=alice, name=name)
    with pytest.raises(Invalid):
        services.api_key_revoke_by_prefix(prefix="nk_")
    with pytest.raises(NotFound):
        services.api_key_revoke_by_prefix(prefix="")
