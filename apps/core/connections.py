"""Whether a connection of the pool still leads anywhere: looked at by its socket, and asked only now and then."""

from __future__ import annotations

import select
import time
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Connection
from psycopg_pool import ConnectionPool

SURE_SECONDS = 5.0  # for so long after an answer a quiet socket says enough
_ask = ConnectionPool.check_connection
_heard: WeakKeyDictionary[Connection[Any], float] = WeakKeyDictionary()


def check(connection: Connection[Any]) -> None:
    """Raise where PostgreSQL has closed the connection.

    A server that ends or dies closes its side, and the socket can be read from then on; so can one with news in it,
    which is asked. A connection that nobody used for a while is asked, too, since a firewall may have forgotten it.
    """
    now = time.monotonic()
    if now - _heard.get(connection, float("-inf")) < SURE_SECONDS and not _can_be_read(connection.pgconn.socket):
        return
    _ask(connection)
    _heard[connection] = now


def _can_be_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
