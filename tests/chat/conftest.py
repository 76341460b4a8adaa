"""Alice's conversation, and a model that follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from apps.accounts.models import User
from apps.chat import conversation_services, logstore, turns
from apps.chat.models import Conversation
from apps.core import draining
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings


@pytest.fixture
def conversation(alice: User) -> Conversation:
    """Alice's."""
    return conversation_services.conversation_create(user=alice)


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    """Where the logs of turns are."""
    client = logstore.connect(timeout=5)
    yield client
    await client.aclose()


@pytest.fixture
async def model() -> AsyncIterator[Scripted]:
    """The only model there is: ten numbered tokens at once, unless a test changes its scripts."""
    provider = Scripted(Script(tokens=tuple(f"t{n:05d} " for n in range(1, 11))))
    before = use(Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [provider]}))
    yield provider
    await turns.close()
    draining.reset()
    use(before)
