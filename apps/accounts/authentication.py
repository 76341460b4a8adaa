"""How a program signs in to the API, and what its key may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission

from apps.accounts.access import Access, access_by_key, bearer_secret, has_key
from apps.accounts.models import User

if TYPE_CHECKING:  # the framework imports this file while it loads itself
    from rest_framework.request import Request
    from rest_framework.views import APIView


def caller(request: Request) -> User:
    """Who asks. Only in views that let nobody in without signing in, as all do unless they say otherwise."""
    return cast(User, request.user)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer nk_…`. `request.auth` is then the `Access` of the key; no cookie is looked at."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Access] | None:
        if has_key(request.META.get("QUERY_STRING", "")):
            raise AuthenticationFailed(
                "A key in the address is refused, since logs keep addresses. Revoke this key, make a new one and send "
                "it in the Authorization header."
            )
        secret = bearer_secret(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is None:
            return None
        access = access_by_key(secret)
        if access.key_id is None:
            raise AuthenticationFailed("This key is unknown, has ended or was revoked.")
        return access.user, access

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="nitro"'


class KeyAllows(BasePermission):
    """Lets a key do what the view's `scope` names and the key has; a view without a `scope` takes no keys at all.

    Signed-in browsers pass: what they may reach is for the selectors to say.
    """

    message = "This key does not have the scope that this needs."
    code = "scope_missing"

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "scope", "")
        if not isinstance(request.auth, Access):
            return True
        return bool(scope) and request.auth.allows(scope, reading=request.method in SAFE_METHODS)
