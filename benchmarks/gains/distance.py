"""A line to somewhere else: passes bytes on in both directions, each some milliseconds later, in their order.

python -m benchmarks.gains.distance --port 9200 --to 9100 --milliseconds 50
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import uvloop

AT_ONCE = 64 * 1024


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """One direction: what comes later never overtakes, and nothing waits for what came before it."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def deliver() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                return
            writer.write(data)

    delivering = asyncio.create_task(deliver())
    with suppress(ConnectionError):
        while data := await reader.read(AT_ONCE):
            queue.put_nowait((loop.time() + seconds, data))
    queue.put_nowait((loop.time() + seconds, b""))
    with suppress(ConnectionError):
        await delivering
    writer.close()


async def serve(port: int, to: int, seconds: float) -> None:
    """Pass on until the process is ended."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(carry(reader, back, seconds), carry(there, writer, seconds))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=int, required=True, help="the port at the other end")
    parser.add_argument("--milliseconds", type=float, default=50.0, help="in each direction")
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(given.port, given.to, given.milliseconds / 1000))


if __name__ == "__main__":
    main()
