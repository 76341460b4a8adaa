"""The people of the tests: Alice owns, Bob is another user and must see nothing of hers."""

from __future__ import annotations

from django.contrib.auth.models import Group

from apps.accounts import limits, services
from apps.accounts.models import GroupLimit, Scope, User

PASSWORD = "correct horse battery"


def alice() -> User:
    return person("alice")


def bob() -> User:
    return person("bob")


def admin() -> User:
    return person("admin", admin=True)


def person(name: str, *, admin: bool = False) -> User:
    """Somebody of this name, made at the first call; they come in by a link, since hashing a password takes long."""
    found = User.objects.filter(username=name).first()
    return found or services.user_create(username=name, admin=admin)


def key_of(user: User, *scopes: str) -> str:
    """A new key of theirs, for these scopes or for all everyday ones."""
    return services.api_key_create(user=user, name="test", scopes=scopes or None).secret


def every_scope_but(scope: str) -> list[str]:
    return [entry.value for entry in Scope if entry.area not in {scope, Scope.ADMIN}]


def give_quota(user: User, messages: int) -> None:
    """From now on so many messages a day."""
    guests = Group.objects.create(name="guests")
    guests.user_set.add(user)
    GroupLimit.objects.create(group=guests, messages_per_day=messages)
    limits.forget()
