"""Keys at the API: where they may be, what they allow, and what is said otherwise."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from apps.accounts import services
from apps.accounts.models import User
from tests import cast


class ChatView(APIView):
    scope = "chat"

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.username})

    post = get


class UndeclaredView(ChatView):
    scope = ""


def call(view: type[APIView] = ChatView, *, method: str = "get", query: str = "", key: str = "") -> HttpResponse:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    request = getattr(APIRequestFactory(enforce_csrf_checks=True), method)(f"/api/x/{query}", headers=headers)
    response: HttpResponse = view.as_view()(request)
    return response


def test_a_key_lets_its_user_in_without_a_csrf_token(alice: User) -> None:
    response = call(method="post", key=cast.key_of(alice))
    assert (response.status_code, response.data) == (200, {"user": "alice"})  # type: ignore[attr-defined]


def test_without_a_key_the_answer_is_401_and_says_how(db: None) -> None:
    response = call()
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in response.data["hint"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["nk_wrong", "nk_", "x", "nk_\udcff"])
def test_a_wrong_key_is_401(db: None, key: str) -> None:
    assert call(key=key.encode("utf-8", "replace").decode()).status_code == 401


def test_a_revoked_key_is_401(alice: User) -> None:
    made = services.api_key_create(user=alice, name="a")
    services.api_key_revoke(key=made.key)
    assert call(key=made.secret).status_code == 401


def test_a_key_without_the_scope_is_403_and_says_so(alice: User) -> None:
    response = call(key=cast.key_of(alice, "images"))
    assert response.status_code == 403
    assert response.data["code"] == "scope_missing"  # type: ignore[attr-defined]


def test_a_view_without_a_scope_takes_no_keys(alice: User) -> None:
    assert call(UndeclaredView, key=cast.key_of(alice)).status_code == 403


def test_a_key_in_the_address_is_refused_and_said_so(alice: User) -> None:
    key = cast.key_of(alice)
    for header in ("", key):
        response = call(query=f"?api_key={key}", key=header)
        assert response.status_code == 401
        assert "address" in response.data["message"]  # type: ignore[attr-defined]
