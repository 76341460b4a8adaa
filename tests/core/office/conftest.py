"""An administrator at work, a member of the staff without any right, and a person whose things they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.accounts.models import User
from apps.chat import conversation_services
from apps.chat.models import Conversation, Message
from tests import cast

Staff = Callable[..., Client]
REASON = "Alice asked me to find a lost chat."
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def office(db: None) -> Client:
    client = Client()
    client.force_login(cast.admin())
    return client


@pytest.fixture
def staff(db: None) -> Staff:
    """Somebody who may enter the admin, with these rights and no others."""

    def come(*rights: str) -> Client:
        person = cast.person("clerk")
        User.objects.filter(pk=person.pk).update(is_staff=True)
        for right in rights:
            app, _, name = right.partition(".")
            person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=name))
        client = Client()
        client.force_login(person)
        return client

    return come


@pytest.fixture
def chat(db: None) -> Conversation:
    """A chat of Alice whose words would do harm as HTML."""
    conversation = conversation_services.conversation_create(user=cast.alice(), title=f"Secret {SCRIPT}")
    Message.objects.create(conversation=conversation, role=Message.Role.USER, text=f"canary {SCRIPT}")
    return conversation
