"""Where the processes of Nitro note how they find the model servers, for those who look at all of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from redis import Redis, RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from apps.llm.farm import Condition
from apps.llm.shared_gate import keys

KEY = "nitro:model-servers"
FRESH = 30.0  # seconds after which a silent process is gone
WAITS = {"socket_timeout": 1.0, "socket_connect_timeout": 0.5}


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many answers are inside and wait, over all processes."""

    inside: int
    waiting: int


def connect(redis_url: str) -> AsyncRedis:
    """A client for `note`."""
    return AsyncRedis.from_url(redis_url, socket_timeout=1.0, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


async def note(redis: AsyncRedis, process: str, conditions: Iterable[Condition]) -> None:
    """Write down what this process finds. Raises an error of Redis."""
    found = {"at": time.time(), "conditions": [asdict(condition) for condition in conditions]}
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hset(KEY, process, json.dumps(found))
        pipeline.expire(KEY, 3600)
        await pipeline.execute()


def read(redis_url: str) -> list[Condition]:
    """What all processes find now; nothing where Redis is away."""
    try:
        with Redis.from_url(redis_url, **WAITS) as redis:
            notes: dict[bytes, bytes] = redis.hgetall(KEY)
            found = {process: json.loads(text) for process, text in notes.items()}
            old = [process for process, said in found.items() if time.time() - said["at"] > FRESH]
            if old:
                redis.hdel(KEY, *old)
    except RedisError:
        return []
    return [Condition(**one) for process, said in found.items() if process not in old for one in said["conditions"]]


def crowd(redis_url: str, kind: str) -> Crowd | None:
    """How many answers of a kind are inside and wait, over all processes; None where Redis is away."""
    inside, line, _, _ = keys(kind)
    try:
        with Redis.from_url(redis_url, **WAITS) as redis:
            return Crowd(int(redis.scard(inside)), int(redis.zcard(line)))
    except RedisError:
        return None
