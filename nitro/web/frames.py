"""A websocket message from the server as bytes, and the short way to the socket.

Autobahn and Twisted spend most of the time of a small frame on checks of types, statistics, log lines that nobody
reads, and a trip through the reactor to register and unregister a writer. Here the frame is built in one step, and
where nothing waits before it, it is handed to the kernel at once.
"""

from __future__ import annotations

import struct
from typing import Any

TEXT = 0x81  # FIN and the opcode (RFC 6455, section 5.2)
BINARY = 0x82
COMPRESSED = 0x40  # RSV1 (RFC 7692, section 6)


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def deflated(compressor: Any, payload: bytes) -> bytes:
    """The payload through the connection's own compressor (autobahn's PerMessageDeflate)."""
    compressor.start_compress_message()
    return bytes(compressor.compress_message_data(payload) + compressor.end_compress_message())


def write_through(transport: Any, data: bytes) -> None:
    """Send at once where the transport's buffer is empty; what the kernel does not take waits there as usual."""
    if transport._tempDataBuffer or transport.dataBuffer or not transport.connected or transport.disconnecting:
        transport.write(data)
        return
    try:
        sent = transport.socket.send(data)
    except BlockingIOError:
        sent = 0
    except OSError:
        return  # the connection is gone; the reactor learns it from reading and tells the application
    if sent < len(data):
        transport.write(data[sent:])
