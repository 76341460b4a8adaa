"""Where bytes wait on their way out: in a TCP connection, under TLS perhaps, or in one stream of HTTP/2."""

from __future__ import annotations

from typing import Any

from twisted.web._http2 import H2Stream

HIGH_WATER = 256 * 1024  # bytes that may wait in this process for one connection before its senders wait, too


def line_of(channel: Any) -> Any:
    """The line that a request's channel writes to, with its high-water mark set."""
    if isinstance(channel, H2Stream):
        return channel
    return limited(channel.transport)


def limited(transport: Any) -> Any:
    """The TCP connection at the bottom of a transport, told when to ask its senders to wait."""
    while hasattr(transport, "wrappedProtocol"):  # TLS
        transport = transport.transport
    transport.bufferSize = HIGH_WATER
    return transport


def waiting_bytes(line: Any) -> int:
    """How much was written to the line and not yet taken: by the kernel, or of a stream by its connection."""
    if isinstance(line, H2Stream):
        queue = line._conn._outboundStreamQueues.get(line.streamID, ())
        return sum(len(piece) for piece in queue if isinstance(piece, bytes))
    return len(line.dataBuffer) - int(line.offset) + int(line._tempDataLen)


def overflows(line: Any) -> bool:
    """Whether too much waits although nobody was asked to pause: streams count only what their reader has allowed."""
    return isinstance(line, H2Stream) and waiting_bytes(line) > HIGH_WATER
