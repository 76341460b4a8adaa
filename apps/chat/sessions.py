"""The places of open chats: at most MAX_SESSIONS over all processes. One more closes the longest idle one."""

from __future__ import annotations

from django.conf import settings

from apps.accounts import open_sockets
from apps.accounts.open_sockets import Room, Session, Sessions
from apps.accounts.open_sockets_script import COUNTED
from apps.core.errors import Busy

RETRY_SECONDS = 5.0
CHATS = Room(COUNTED, lambda: int(settings.MAX_SESSIONS))


class SessionsFull(Busy):
    """As many chats are open as may be, and an answer is being written in each."""

    code = "sessions_full"
    hint = "The page tries again by itself."


def sessions() -> Sessions:
    """The open chats of the running event loop."""
    return open_sockets.sessions(CHATS)


async def enter(session: Session) -> None:
    """Give a chat its place; raises `SessionsFull` where there is none and nobody can make room."""
    if not await sessions().enter(session):
        raise SessionsFull("Too many chats are being answered right now.", retry_after=RETRY_SECONDS)
