"""Rights that are taken away are gone from open sockets too, within seconds and for few queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts import selectors, services, sockets, watch
from apps.accounts.access import Access, access_by_key, access_by_session
from apps.accounts.models import ApiKey, User
from apps.accounts.sockets import AsgiScope, Receive, Send, SignedInMiddleware
from apps.core.database import in_database
from apps.core.errors import DatabaseAway
from tests import cast


def by_session(user: User) -> Access:
    client = Client()
    client.force_login(user)
    return access_by_session(str(client.session.session_key))


def by_key(user: User) -> Access:
    return access_by_key(cast.key_of(user))


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def sign_out(user: User) -> None:
    Session.objects.all().delete()


def sign_out_everywhere(user: User) -> None:
    services.sessions_end(user=user)


def new_password(user: User) -> None:
    services.password_set(user=user, password="another long phrase")


def revoke(user: User) -> None:
    services.api_key_revoke(key=ApiKey.objects.get(user=user))


def delete(user: User) -> None:
    user.delete()


@pytest.mark.parametrize(
    ("enter", "end"),
    [
        *((by_session, end) for end in (switch_off, sign_out, sign_out_everywhere, new_password, delete)),
        *((by_key, end) for end in (switch_off, revoke, delete)),
    ],
)
def test_a_ticket_ends_with_the_right(
    enter: Callable[[User], Access], end: Callable[[User], None], alice: User
) -> None:
    ticket = enter(alice).ticket
    assert selectors.ended([ticket]) == set()
    end(alice)
    assert selectors.ended([ticket]) == {ticket}


def test_the_end_of_one_is_not_the_end_of_another(alice: User, bob: User) -> None:
    mine, his = by_session(alice).ticket, by_session(bob).ticket
    services.sessions_end(user=bob)
    assert selectors.ended([mine, his]) == {his}


def test_any_number_of_sockets_costs_three_queries(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tickets = [enter(user).ticket for enter in (by_session, by_key) for user in (alice, bob) for _ in range(5)]
    with django_assert_num_queries(3):
        assert selectors.ended(tickets) == set()


def test_a_stranger_has_no_ticket() -> None:
    with pytest.raises(TypeError):
        _ = Access().ticket


@pytest.mark.django_db(transaction=True)
async def test_an_open_socket_is_closed_when_its_key_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SECONDS", 0.01)
    secret = await in_database(lambda: cast.key_of(cast.alice()))
    sent: list[dict[str, object]] = []
    over = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":
            over.set()

    async def inner(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await in_database(revoke, scope["user"])
        await over.wait()
        await send({"type": "websocket.send", "text": "too late"})

    scope = {"type": "websocket", "headers": [(b"authorization", f"Bearer {secret}".encode())]}
    await asyncio.wait_for(SignedInMiddleware(inner)(scope, asyncio.Queue().get, send), 10)
    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": sockets.NOT_SIGNED_IN}]
    assert not watch.watch().open


async def test_a_database_that_is_away_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()

    async def away(*args: object) -> None:
        looked.set()
        raise DatabaseAway("The database does not answer.")

    monkeypatch.setattr(watch, "SECONDS", 0.0)
    monkeypatch.setattr(watch, "in_database", away)
    async with watch.watch().over(Access(user=User(pk=1), key_id=1)) as ended:
        await asyncio.wait_for(looked.wait(), 10)
        assert not ended.is_set()
