"""The admin's pages of accounts open, and show no secret."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts import services, usage
from apps.accounts.models import GroupLimit, SignInLink, User
from tests import cast


@pytest.fixture
def office(client: Client, db: None) -> Client:
    client.force_login(cast.admin())
    return client


@pytest.mark.parametrize("page", ["user", "apikey", "signinlink", "grouplimit", "dailyusage"])
def test_the_lists_open(office: Client, page: str) -> None:
    services.api_key_create(user=cast.alice(), name="a")
    services.sign_in_link_create(user=cast.alice())
    assert office.get(f"/admin/accounts/{page}/").status_code == 200


def test_a_key_and_a_link_show_no_hash_and_cannot_be_made_here(office: Client) -> None:
    key = services.api_key_create(user=cast.alice(), name="a").key
    services.sign_in_link_create(user=cast.alice())
    link = SignInLink.objects.get()
    assert key.key_hash not in office.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert link.token_hash not in office.get(f"/admin/accounts/signinlink/{link.pk}/change/").content.decode()
    assert office.get("/admin/accounts/apikey/add/").status_code == 403


def test_what_somebody_told_nitro_about_themselves_is_not_shown(office: Client) -> None:
    User.objects.filter(pk=cast.alice().pk).update(system_prompt="a secret wish")
    page = office.get(f"/admin/accounts/user/{cast.alice().pk}/change/")
    assert page.status_code == 200
    assert b"a secret wish" not in page.content


def test_ordinary_users_have_no_admin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/accounts/user/").status_code == 302


def test_an_administrator_gives_a_group_its_limits(office: Client) -> None:
    group = Group.objects.create(name="guests")
    wished = {"group": group.pk, "rate": "5/minute", "messages_per_day": "20", "tokens_per_day": ""}
    assert office.post("/admin/accounts/grouplimit/add/", wished).status_code == 302
    limit = GroupLimit.objects.get()
    assert (limit.rate, limit.messages_per_day, limit.tokens_per_day) == ("5/minute", 20, None)


def test_a_rate_that_is_none_is_refused_with_a_sentence(office: Client) -> None:
    group = Group.objects.create(name="guests")
    page = office.post("/admin/accounts/grouplimit/add/", {"group": group.pk, "rate": "often"})
    assert b"60/minute" in page.content
    assert not GroupLimit.objects.exists()


def test_usage_is_only_looked_at(office: Client) -> None:
    usage.day_add(user_id=cast.alice().pk, day=date(2026, 11, 23), prompt_tokens=5)
    assert office.get("/admin/accounts/dailyusage/add/").status_code == 403
    assert b"Nov. 23, 2026" in office.get("/admin/accounts/dailyusage/").content
