"""`nitro user` and `nitro apikey`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from apps.accounts import services
from apps.accounts.models import ApiKey, User
from tests.cast import PASSWORD


def lines(*words: str) -> list[str]:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().splitlines()


def test_a_new_key_is_alone_on_the_last_line(alice: User) -> None:
    secret = lines("apikey", "create", "--user", "alice", "--name", "script", "--scopes", "chat,images", "models")[-1]
    key = services.api_key_use(secret=secret)
    assert key is not None
    assert key.scopes == ["chat", "images", "models"]


def test_keys_are_listed_without_their_secret(alice: User) -> None:
    secret = lines("apikey", "create", "--user", "alice", "--name", "script", "--days", "7")[-1]
    (line,) = lines("apikey", "list")
    assert line.startswith(secret[:9])
    assert secret not in line
    assert "never used" in line


def test_a_key_is_revoked_by_what_the_list_shows(alice: User) -> None:
    secret = lines("apikey", "create", "--user", "alice", "--name", "script")[-1]
    lines("apikey", "revoke", secret[:9])
    assert lines("apikey", "list") == []
    assert ApiKey.objects.exclude(revoked=None).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ("apikey", "create", "--user", "nobody", "--name", "x"),
        ("apikey", "revoke", "nk_nothing"),
        ("user", "link", "nobody"),
        ("user", "create", "two words"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_a_way_out(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"\w+\.$"):
        call_command(*words)


@pytest.mark.django_db
def test_a_new_user_comes_in_by_the_printed_link(client: Client) -> None:
    path = lines("user", "create", "carol", "--admin")[-1]
    assert client.get(path).status_code == 302
    assert User.objects.get(username="carol").is_superuser


def test_a_link_is_made_for_who_forgot_the_password(client: Client, alice: User) -> None:
    assert client.get(lines("user", "link", "alice")[-1]).status_code == 302


@pytest.mark.parametrize(
    ("public", "running", "begin"),
    [
        ("https://nitro.example.com", "http://127.0.0.1:8000/", "https://nitro.example.com/accounts/link/"),
        ("", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/accounts/link/"),
        ("", "", "/accounts/link/"),
    ],
)
def test_a_link_has_the_address_as_far_as_it_is_known(
    alice: User, settings: Settings, tmp_path: Path, public: str, running: str, begin: str
) -> None:
    settings.PUBLIC_URL, settings.NITRO_HOME = public, tmp_path
    (tmp_path / "up.json").write_text(json.dumps({"url": running}), encoding="utf-8")
    told, link = lines("user", "link", "alice")
    assert link.startswith(begin)
    assert ("Put the address" in told) is begin.startswith("/")


def test_a_password_is_read_from_standard_input(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    lines("user", "password", "alice")
    assert User.objects.get().check_password(PASSWORD)


def test_a_weak_password_is_refused(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("password\n"))
    with pytest.raises(CommandError, match="too short"):
        lines("user", "password", "alice")


def test_everybody_is_listed(alice: User) -> None:
    services.user_create(username="root", admin=True)
    assert lines("user", "list") == ["alice  never signed in", "root  never signed in  admin"]
