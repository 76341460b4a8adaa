"""The door beside Django, asked by everybody: what a key gets there, and that nobody reaches a chat of Alice's."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.models import User
from apps.chat.rooms import ROOMS
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from tests import cast
from tests.access.world import belongings, world
from tests.chat.programs import post

pytestmark = pytest.mark.django_db(transaction=True)
STATUSES = {"owner": 200, "other": 404, "admin": 404, "inactive": 401, "key": 403, "reader": 403, "revoked": 401}
BODIES: dict[str, Any] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}]},
    "/v1/embeddings": {"input": "Hello"},
    "/api/chat/": {"message": "Hello", "conversation": "{}"},
    "/api/chat/batch/": {"requests": [{"message": "Hello"}]},
}


def key_of(person: str) -> str:
    """A key as somebody has it. `key` lacks the scope, `reader` may only read."""
    user = {"other": cast.bob, "admin": cast.admin}.get(person, cast.alice)()
    if person == "key":
        return cast.key_of(user, *cast.every_scope_but("chat"))
    made = services.api_key_create(user=user, name="x", scopes=["chat:read" if person == "reader" else "chat"])
    if person == "revoked":
        services.api_key_revoke(key=made.key)
    if person == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return made.secret


def test_every_room_is_in_the_table() -> None:
    assert set(ROOMS) == set(BODIES)


@pytest.mark.parametrize("person", STATUSES)
async def test_everybody_gets_what_the_table_says_about_a_chat_of_alice(person: str, model: Scripted) -> None:
    names = await in_database(world)
    key = await in_database(key_of, person)
    before = await in_database(belongings)
    body = BODIES["/api/chat/"] | {"conversation": str(names.names["conversation_id"])}
    heard = await post("/api/chat/", body, key)
    assert heard.status == STATUSES[person]
    if person != "owner":
        assert b"canary" not in heard.body
        assert not model.calls
        assert await in_database(belongings) == before


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("person", ["inactive", "key", "reader", "revoked"])
async def test_no_room_opens_without_the_right_key(path: str, person: str, model: Scripted) -> None:
    key = await in_database(key_of, person)
    heard = await post(path, BODIES[path], key)
    assert heard.status == STATUSES[person]
    assert not model.calls
