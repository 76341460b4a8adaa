"""What is left over is let go of, and what runs is left alone."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings
from redis import Redis

from apps.chat import cleanup, logstore, tasks
from apps.chat.models import Conversation
from tests.chat.cast import answered, begun

pytestmark = pytest.mark.django_db(transaction=True)


def time_to_live(turn_id: uuid.UUID) -> object:
    with Redis.from_url(settings.REDIS_URL) as redis:
        return redis.ttl(logstore.key(turn_id))


def log_of(turn_id: uuid.UUID) -> uuid.UUID:
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.xadd(logstore.key(turn_id), {"f": 1, "d": '["Hello"]'}, id="1-0")
    return turn_id


def test_logs_of_turns_that_ended_expire_and_those_of_running_turns_stay(conversation: Conversation) -> None:
    running, ended = log_of(begun(conversation).turn.id), log_of(answered(conversation).id)
    of_nobody = log_of(uuid.uuid4())
    assert cleanup.logs_expire() >= 2
    assert time_to_live(running) == -1
    assert 0 < int(str(time_to_live(ended))) <= logstore.KEPT_SECONDS
    assert 0 < int(str(time_to_live(of_nobody))) <= logstore.KEPT_SECONDS


def test_the_hourly_task_does_nothing_the_second_time(conversation: Conversation) -> None:
    log_of(answered(conversation).id)
    assert tasks.expire_turn_logs() >= 1
    assert tasks.expire_turn_logs() == 0
