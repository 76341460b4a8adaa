"""Reads about users: who is it, and may they still come in?"""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import KEY_BEGINNING, ApiKey, User, secret_hash
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


def api_key_of_secret(secret: str) -> ApiKey | None:
    """The usable key (with its user) for what a program sent; one query, none for what cannot be a key."""
    if not secret.startswith(KEY_BEGINNING):
        return None
    return api_keys_usable().select_related("user").filter(key_hash=secret_hash(secret)).first()


def api_keys_of_user(*, user: User) -> QuerySet[ApiKey]:
    """The keys somebody has, revoked ones excepted, newest first."""
    return ApiKey.objects.filter(user=user, revoked=None)


def user_is_current(*, user_id: int, session_key: str = "", key_id: int | None = None) -> bool:
    """Whether a user who came in by this session or key may still be here; made to be asked every few seconds."""
    if key_id is not None:
        return api_keys_usable().filter(pk=key_id, user_id=user_id).exists()
    return bool(session_key) and user_of_session(session_key).pk == user_id
