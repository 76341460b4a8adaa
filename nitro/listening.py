"""The one socket that all web processes accept connections from."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from nitro.embedded.errors import ServiceError

THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
BACKLOG = 2048
SEND_BUFFER = 256 * 1024  # bytes; inherited by every connection, so that a reader who sleeps costs little


def listen(host: str, port: int) -> socket.socket:
    """Open the socket. Raises `ServiceError` with one sentence where that does not go."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listening.bind((host.strip("[]"), port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ServiceError(_sentence(host, port, error)) from error
    listening.setblocking(False)
    return listening


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Choose another one: `nitro up --port {port + 1}`."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is for the system's own programs. Choose one from 1024 up: `nitro up --port 8000`."
    return f"Nitro cannot listen on {host}:{port}: {error.strerror or error}."


def unnamed(host: str, allowed: Iterable[str]) -> str:
    """What to say where other machines reach this address, and would be refused by every name; else nothing."""
    if not THIS_MACHINE.issuperset(allowed) or host in THIS_MACHINE:
        return ""
    return (
        f"Nitro listens on {host}, but ALLOWED_HOSTS names this machine alone: others get an error page. "
        "Add the name or address that they type in."
    )
