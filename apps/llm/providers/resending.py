"""Sends a request again where the server had closed the idle connection that was used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
STALE_MOST = 4  # connections in a row that may turn out to be closed: a pool keeps several of one age
STALE_AFTER = 1.0  # seconds within which a broken connection is taken for one that had been idle too long


async def resent(send: Callable[[], Awaitable[aiohttp.ClientResponse]]) -> aiohttp.ClientResponse:
    """What `send` brings, at the fifth try the latest. Raises what the last one raises.

    A server that cannot be reached, or that breaks off later than an idle connection does, is not asked again.
    """
    begun = asyncio.get_running_loop().time()
    for _ in range(STALE_MOST):
        try:
            return await send()
        except aiohttp.ClientConnectorError:
            raise
        except STALE:
            if asyncio.get_running_loop().time() - begun > STALE_AFTER:
                raise
    return await send()
