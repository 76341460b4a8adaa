"""Which door a connection takes: HTTP to Django, websockets past the guards to the consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.routing import ProtocolTypeRouter, URLRouter

if TYPE_CHECKING:
    from apps.accounts.sockets import Application, AsgiScope


def build(pages: Application) -> Application:
    """The whole application. Django must be set up before, since consumers import models."""
    from apps.accounts.sockets import OriginGuard, SignedInMiddleware
    from apps.chat.rooms import ROOMS
    from apps.chat.routing import websocket_urlpatterns as chat_patterns
    from apps.chat.visits import KeyDoor
    from apps.images import routing as images
    from apps.voice import routing as voice

    chatting = SignedInMiddleware(URLRouter(chat_patterns))
    rooms = {
        room.PREFIX: SignedInMiddleware(URLRouter(room.websocket_urlpatterns), needed=room.SCOPE)
        for room in (voice, images)
    }

    async def by_room(scope: AsgiScope, receive: Any, send: Any) -> None:
        """Each room's sockets need a key with a scope of their own."""
        room = next((door for prefix, door in rooms.items() if scope["path"].startswith(prefix)), chatting)
        await room(scope, receive, send)

    sockets = OriginGuard(by_room)
    application: Application = ProtocolTypeRouter({"http": KeyDoor(pages, ROOMS), "websocket": sockets})
    return application
