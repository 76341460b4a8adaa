"""Reads about users: who is it, and may they still come in?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import ApiKey, User
from apps.core.errors import NotFound


def session_open(session_key: str | None) -> SessionBase:
    """The session of a cookie's value, in the configured engine; nothing is read before it is used."""
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store(session_key)


def user_of_session(session_key: str) -> User | AnonymousUser:
    """Who is signed in with this session; two queries at most.

    The judgement is Django's own: the session has not ended, the user is active, and neither the password nor the
    epoch has changed since the sign-in.
    """
    request = HttpRequest()
    request.session = session_open(session_key)
    user = auth.get_user(request)
    return user if isinstance(user, User) else AnonymousUser()


def user_by_name(*, name: str) -> User:
    """The user of this name. Raises `NotFound`."""
    user = User.objects.filter(username=User.normalize_username(name)).first()
    if user is None:
        raise NotFound(f"There is no user {name!r}.", hint="`nitro user list` shows everybody.")
    return user


def api_keys_usable() -> QuerySet[ApiKey]:
    """Keys that let a program in right now."""
    unexpired = Q(expires=None) | Q(expires__gt=timezone.now())
    return ApiKey.objects.filter(unexpired, revoked=None, user__is_active=True)


def api_keys_of_user(*, user: User) -> QuerySet[ApiKey]:
    """The keys somebody has, revoked ones excepted, newest first."""
    return ApiKey.objects.filter(user=user, revoked=None)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What somebody came in by: a session, with the user's hash at that time, or a key."""

    user_id: int
    session_key: str = ""
    session_hash: str = ""
    key_id: int | None = None


def ended(tickets: Collection[Ticket]) -> set[Ticket]:
    """Those of the tickets that let nobody in any more; three queries for any number of them."""
    keys = set(api_keys_usable().filter(pk__in={t.key_id for t in tickets if t.key_id}).values_list("pk", flat=True))
    sessions = set(
        Session.objects.filter(
            session_key__in={t.session_key for t in tickets}, expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    users = User.objects.filter(pk__in={t.user_id for t in tickets if t.session_key}, is_active=True)
    hashes = {user.pk: user.get_session_auth_hash() for user in users.only("password", "session_epoch")}
    return {ticket for ticket in tickets if not _is_valid(ticket, keys, sessions, hashes)}


def _is_valid(ticket: Ticket, keys: set[int], sessions: set[str], hashes: dict[int, str]) -> bool:
    if ticket.key_id is not None:
        return ticket.key_id in keys
    return ticket.session_key in sessions and hashes.get(ticket.user_id) == ticket.session_hash
