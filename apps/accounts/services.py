"""Writes about users: sign-in links, API keys, preferences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from apps.accounts import statements
from apps.accounts.models import (
    KEY_BEGINNING,
    ApiKey,
    Scope,
    SignInLink,
    User,
    everyday_scopes,
    secret_hash,
    secret_new,
)
from apps.core.errors import Invalid, NotFound

LINK_LIFETIME = timedelta(minutes=15)
NOTE_EVERY = timedelta(minutes=1)
PREFIX_LENGTH = len(KEY_BEGINNING) + 6
OWNER = "owner"


def first_sign_in_link() -> str | None:
    """The path that signs the first admin in, while nobody has ever signed in; None afterwards.

    Makes the admin user "owner" where there is no user at all.
    """
    if User.objects.exclude(last_login=None).exists():
        return None
    if not User.objects.exists():
        user_create(username=OWNER, admin=True)
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return sign_in_link_create(user=admin) if admin else None


def user_create(*, username: str, admin: bool = False, password: str | None = None) -> User:
    """Make a user; without a password they come in by a link. Raises `Invalid` for a name that cannot be taken."""
    user = User(username=User.normalize_username(username), is_staff=admin, is_superuser=admin)
    user.set_password(password)
    try:
        user.clean_fields(exclude=["password"])
        user.validate_unique()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from error
    user.save()
    return user


@transaction.atomic
def sign_in_link_create(*, user: User) -> str:
    """The path of a new one-time link; older unused links of this user end here."""
    SignInLink.objects.filter(user=user, used_at=None).delete()
    token = secret_new()
    SignInLink.objects.create(user=user, token_hash=secret_hash(token), expires=timezone.now() + LINK_LIFETIME)
    return reverse("accounts:link", args=[token])


def sign_in_link_use(*, token: str) -> User | None:
    """The user whom this link lets in, or None. One conditional UPDATE, so that of many at once one wins.

    The condition names columns of this one table alone: a join would become a subquery, which PostgreSQL does not look
    at again after it has waited for the row.
    """
    now = timezone.now()
    links = SignInLink.objects.filter(token_hash=secret_hash(token))
    if not links.filter(used_at=None, expires__gt=now).update(used_at=now):
        return None
    return User.objects.filter(sign_in_links__token_hash=secret_hash(token), is_active=True).first()


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made, with its secret: the only moment at which it can be seen."""

    key: ApiKey
    secret: str


def api_key_create(
    *, user: User, name: str, scopes: Collection[str] | None = None, expires: datetime | None = None
) -> NewApiKey:
    """Make a key for a user's program. Raises `Invalid` for unknown scopes, or for those the user lacks."""
    chosen = sorted(set(everyday_scopes() if scopes is None else scopes))
    if not chosen or not set(chosen) <= set(Scope.values):
        raise Invalid("A key needs at least one scope of: " + ", ".join(Scope.values) + ".")
    if {Scope.ADMIN, Scope.ADMIN_READ} & set(chosen) and not user.is_staff:
        raise Invalid("Only an administrator's key can have the scope admin.")
    secret = KEY_BEGINNING + secret_new()
    key = ApiKey(user=user, name=name.strip()[:100] or "key", scopes=chosen, expires=expires)
    key.prefix, key.key_hash = secret[:PREFIX_LENGTH], secret_hash(secret)
    key.save()
    return NewApiKey(key=key, secret=secret)


def api_key_revoke(*, key: ApiKey) -> None:
    """From here on the key opens nothing; open sockets notice within seconds."""
    ApiKey.objects.filter(pk=key.pk, revoked=None).update(revoked=timezone.now())


def api_key_revoke_by_prefix(*, prefix: str) -> ApiKey:
    """Revoke the key that begins so. Raises `NotFound` for none and `Invalid` when several do."""
    keys = list(ApiKey.objects.filter(prefix__startswith=prefix[:PREFIX_LENGTH], revoked=None)[:2]) if prefix else []
    if not keys:
        raise NotFound(f"There is no key that begins with {prefix!r}.", hint="`nitro apikey list` shows them.")
    if len(keys) > 1:
        raise Invalid(f"More than one key begins with {prefix!r}.", hint="Write more of it.")
    api_key_revoke(key=keys[0])
    return keys[0]


def api_key_use(*, secret: str) -> ApiKey | None:
    """The usable key (with its user) for what a program sent, which is noted once a minute; one query.

    None for what cannot be a key.
    """
    if not secret.startswith(KEY_BEGINNING):
        return None
    return statements.key_use(key_hash=secret_hash(secret), every=NOTE_EVERY)


def preferences_save(*, user: User, theme: str, system_prompt: str) -> None:
    user.theme, user.system_prompt = theme, system_prompt
    user.save(update_fields=["theme", "system_prompt"])


def theme_save(*, user: User, theme: str) -> None:
    user.theme = theme
    user.save(update_fields=["theme"])


def password_set(*, user: User, password: str) -> None:
    """A new password; every session of this user ends, the one that is told to stay excepted by its caller."""
    user.set_password(password)
    user.save(update_fields=["password"])


def sessions_end(*, user: User) -> None:
    """Sign somebody out everywhere."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
