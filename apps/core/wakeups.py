"""Says to the worker that there is work in the database. Nothing is lost with a message: rows are the truth.

The message is sent from a thread of its own, so that nobody waits for Redis. While Redis is away messages are dropped;
each app that has jobs looks for forgotten ones by the clock.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.core import tracing

logger = logging.getLogger(__name__)
PATIENCE = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}
REST_SECONDS = 5.0
_resting_until = 0.0


def wake(task: str, *, queue: str) -> None:
    """Let the worker run a task, once what is being written now is committed. Returns at once and never fails."""
    name = tracing.current()
    transaction.on_commit(lambda: _sender().submit(send, task, queue, name))


def send(task: str, queue: str, request_id: str = "") -> bool:
    """Send it now; False where Redis is away, or was so a moment ago."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return False
    tracing.go_on(request_id)
    try:
        _application().send_task(task, queue=queue, retry=False, ignore_result=True)
    except (BrokerAway, RedisError, OSError) as error:
        _resting_until = time.monotonic() + REST_SECONDS
        logger.info("The worker was not woken, since Redis does not answer: %s", type(error).__name__)
        return False
    return True


def settled() -> Future[None]:
    """Done when all that was to be sent so far has been."""
    return _sender().submit(lambda: None)


@cache
def _sender() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="wakeups")


@cache
def _application() -> Celery:
    """A Celery application that only sends: the web process knows the tasks' names and nothing else of them."""
    app = Celery("nitro-wakeups", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.broker_transport_options = PATIENCE
    app.conf.broker_connection_timeout = 1
    return app
