"""How somebody came in: by a browser's session, or by a key with scopes. The same for pages, API and sockets."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser

from apps.accounts import selectors, services
from apps.accounts.models import KEY_BEGINNING, READ, Scope, User, area_of
from apps.accounts.selectors import Ticket


@dataclass(frozen=True, slots=True)
class Access:
    """Who came in, and by what; `watch` looks every few seconds whether that still holds."""

    user: User | AnonymousUser = field(default_factory=AnonymousUser)
    session_key: str = ""
    key_id: int | None = None
    scopes: frozenset[str] = frozenset()

    def allows(self, scope: str, *, reading: bool = False) -> bool:
        """A signed-in browser may do all that its user may; a key what its scopes say, and no more than its user.

        For `reading`, which changes nothing, the area's reading scope is enough.
        """
        if self.key_id is None:
            return True
        has = scope in self.scopes or (reading and scope + READ in self.scopes)
        return has and (area_of(scope) != Scope.ADMIN or self.user.is_staff)

    @property
    def ticket(self) -> Ticket:
        """What is looked at again while a socket is open. Only for somebody who is signed in."""
        if not isinstance(self.user, User):
            raise TypeError("a stranger has no ticket")
        if self.key_id is not None:
            return Ticket(user_id=self.user.pk, key_id=self.key_id)
        session_hash = self.user.get_session_auth_hash()
        return Ticket(user_id=self.user.pk, session_key=self.session_key, session_hash=session_hash)


def access_by_key(secret: str) -> Access:
    """The access that a key gives; a stranger's when it gives none."""
    key = services.api_key_use(secret=secret)
    if key is None:
        return Access()
    return Access(user=key.user, key_id=key.pk, scopes=frozenset(key.scopes))


def access_by_session(session_key: str) -> Access:
    """The access of a browser's session; a stranger's when nobody is signed in."""
    user = selectors.user_of_session(session_key)
    return Access(user=user, session_key=session_key if user.is_authenticated else "")


def bearer_secret(authorization: str) -> str | None:
    """The key in an Authorization header; None where the header is of another kind or missing."""
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def has_key(query: str) -> bool:
    """Whether an address carries a key, where logs and histories would keep it."""
    return f"={KEY_BEGINNING}" in query
