"""Rare news between the processes of Nitro: "stop this turn", "a turn has begun in that chat".

It goes through the channel layer, which delivers at most once: nothing that must not be lost travels here. Redis being
away costs the news and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
GROUP = "nitro.news"
RETRY_SECONDS = 2.0
PUBLISH_SECONDS = 0.5
Away = (RedisError, OSError, TimeoutError)


async def publish(news: dict[str, Any]) -> bool:
    """Tell every process, this one included; False where Redis is away."""
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            await layer.group_send(GROUP, {"type": "news", "news": news})
    except Away as error:
        logger.info("News could not be published: %s", type(error).__name__)
        return False
    return True


def tell(news: dict[str, Any]) -> None:
    """As `publish`, from any thread, without waiting for it."""
    asyncio.run_coroutine_threadsafe(publish(news), _loop())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop of its own for those who have none, in a thread that ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="news", daemon=True).start()
    return loop


async def listen(receive: Callable[[dict[str, Any]], None]) -> None:
    """Hand all news to `receive`, for ever; joins again after Redis was away."""
    while True:
        try:
            await _listen_once(receive)
        except Away as error:
            logger.info("News are interrupted: %s", type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_once(receive: Callable[[dict[str, Any]], None]) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    while True:
        message = await layer.receive(channel)
        receive(message["news"])
