"""Which door a connection takes: HTTP to Django, websockets past the guards to the consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.routing import ProtocolTypeRouter, URLRouter

if TYPE_CHECKING:
    from apps.accounts.sockets import Application


def build(pages: Application) -> Application:
    """The whole application. Django must be set up before, since consumers import models."""
    from apps.accounts.sockets import OriginGuard, SignedInMiddleware
    from apps.chat.rooms import ROOMS
    from apps.chat.routing import websocket_urlpatterns
    from apps.chat.visits import KeyDoor

    sockets = OriginGuard(SignedInMiddleware(URLRouter(websocket_urlpatterns)))
    application: Application = ProtocolTypeRouter({"http": KeyDoor(pages, ROOMS), "websocket": sockets})
    return application
