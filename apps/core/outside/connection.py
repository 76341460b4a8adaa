"""Names to numbers, and numbers to sockets: no socket is ever made to a number that was not checked."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from apps.core.outside.addresses import Place, place_check
from apps.core.outside.errors import Unreachable

NAME_SECONDS = 4.0
NAME_THREADS = 16
Found = list[tuple[Any, ...]]


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads of their own: a name server that hangs must not hold up whatever else runs in threads."""
    return ThreadPoolExecutor(max_workers=NAME_THREADS, thread_name_prefix="names")


async def addresses_of(host: str, port: int) -> Found:
    """What the system's resolver says; tests put another in its place."""
    lookup = asyncio.get_running_loop().run_in_executor(
        _threads(), lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    async with asyncio.timeout(NAME_SECONDS):
        return list(await lookup)


class CheckedResolver(AbstractResolver):
    """Resolves a name once. One private number among its numbers is enough to refuse it all."""

    def __init__(self, allowed: frozenset[Place]) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            found = await addresses_of(host, port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise Unreachable("There is no such host.") from error
        for _, _, _, _, place in found:
            place_check(place[0], port, self._allowed)
        return [
            ResolveResult(
                hostname=host, host=place[0], port=port, family=kind, proto=0, flags=int(socket.AI_NUMERICHOST)
            )
            for kind, _, _, _, place in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def connector(allowed: frozenset[Place]) -> aiohttp.TCPConnector:
    """Connections for one session. The second wall: the number that the socket will really go to is checked again."""

    def checked_socket(info: Any) -> socket.socket:
        kind, sort, protocol, _, place = info
        place_check(place[0], place[1], allowed)
        return socket.socket(kind, sort, protocol)

    return aiohttp.TCPConnector(
        resolver=CheckedResolver(allowed),
        use_dns_cache=False,
        force_close=True,
        limit=0,
        socket_factory=checked_socket,
    )
