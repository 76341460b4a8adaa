"""The sign-in page, signing out, signing up, and who guesses passwords."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from redis.exceptions import TimeoutError as RedisTimeoutError

from apps.accounts import services, throttle
from apps.accounts.models import User
from apps.accounts.throttle import Attempt
from tests.cast import PASSWORD

PAGE = "/accounts/sign-in/"


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


@pytest.fixture
def anna(db: None) -> User:
    return services.user_create(username="anna", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> int:
    return client.post(PAGE, {"username": "anna", "password": password, **more}).status_code


def test_name_and_password_sign_in(client: Client, anna: User) -> None:
    answer = client.post(f"{PAGE}?next=/settings/", {"username": "anna", "password": PASSWORD, "next": "/settings/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/")
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_signing_in_never_leads_to_a_foreign_site(client: Client, anna: User) -> None:
    answer = client.post(PAGE, {"username": "anna", "password": PASSWORD, "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_signing_in_gives_the_browser_a_new_session(client: Client, anna: User) -> None:
    client.session["kept"] = True
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_a_wrong_password_says_so_and_does_not_say_which_part(client: Client, anna: User) -> None:
    wrong = client.post(PAGE, {"username": "anna", "password": "no"}).content
    unknown = client.post(PAGE, {"username": "nobody", "password": "no"}).content
    sentence = b"User name and password do not go together."
    assert sentence in wrong
    assert sentence in unknown


def test_somebody_switched_off_cannot_sign_in(client: Client, anna: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client) == 200


def test_signing_in_needs_the_token_of_the_form(anna: User) -> None:
    answer = Client(enforce_csrf_checks=True).post(PAGE, {"username": "anna", "password": PASSWORD})
    assert answer.status_code == 403
    assert b"no longer valid" in answer.content


def test_guessing_is_stopped_even_with_the_right_password(client: Client, anna: User) -> None:
    for _ in range(throttle.BY_BOTH):
        sign_in(client, "wrong")
    answer = client.post(PAGE, {"username": "Anna", "password": PASSWORD})
    assert answer.status_code == 200
    assert b"Too many attempts" in answer.content


def test_guessing_does_not_lock_out_the_owner_at_another_address(client: Client, anna: User) -> None:
    for _ in range(throttle.BY_BOTH + 1):
        Attempt("anna", "203.0.113.9").is_allowed()
    assert sign_in(client) == 302


def test_one_address_cannot_try_many_accounts(db: None) -> None:
    tries = [Attempt(f"user{n}", "203.0.113.9").is_allowed() for n in range(throttle.BY_ADDRESS + 1)]
    assert tries == [True] * throttle.BY_ADDRESS + [False]


def test_success_forgets_earlier_mistakes(client: Client, anna: User) -> None:
    for _ in range(throttle.BY_BOTH - 1):
        Attempt("anna", "127.0.0.1").is_allowed()
    assert sign_in(client) == 302
    assert Attempt("anna", "127.0.0.1").is_allowed()


def test_signing_in_works_while_redis_is_away(client: Client, anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **kwargs: object) -> None:
        raise RedisTimeoutError("Timeout reading from socket")

    for verb in ("add", "incr", "delete_many"):
        monkeypatch.setattr(cache, verb, hang)
    assert sign_in(client) == 302


@pytest.mark.parametrize("name", ["a%00b", "%ED%A0%80", "%FF", "x" * 5000])
def test_a_strange_name_is_only_a_wrong_one(client: Client, db: None, name: str) -> None:
    body, kind = f"username={name}&password=x", "application/x-www-form-urlencoded"
    assert client.post(PAGE, body, content_type=kind).status_code == 200


def test_signing_out_takes_a_post(client: Client, anna: User) -> None:
    client.force_login(anna)
    assert client.get("/accounts/sign-out/").status_code == 405
    assert client.post("/accounts/sign-out/").headers["Location"] == PAGE
    assert "_auth_user_id" not in client.session


def test_signing_up_is_closed(client: Client, db: None) -> None:
    assert client.get("/accounts/sign-up/").status_code == 404
    assert client.post("/accounts/sign-up/", {"username": "eve"}).status_code == 404


def test_signing_up_can_be_opened(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = True
    answer = client.post("/accounts/sign-up/", {"username": "carol", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302
    carol = User.objects.get(username="carol")
    assert not carol.is_staff
    assert client.session["_auth_user_id"] == str(carol.pk)


@pytest.mark.parametrize("cookie", ['"\\000aaaaaaaa"', "x", "é" * 40, "A" * 32, ""])
def test_a_made_up_session_cookie_is_a_stranger(client: Client, db: None, cookie: str) -> None:
    answer = client.get("/settings/", headers={"cookie": f"sessionid={cookie}"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(PAGE)
