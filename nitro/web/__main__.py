"""`python -m nitro.web --fd N`: one web process on a listening socket that its parent opened."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import uvloop

from nitro.environment import SettingError

# Daphne makes its event loop when it is imported.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


async def drain_turns(seconds: float) -> None:
    """Let running answers finish, or save them as interrupted."""
    from apps.chat import turns
    from apps.chat.completions.ledger import ledger

    await turns.drain(seconds)
    await ledger().settle()


def keep_turns() -> None:
    """From the first moment on: end a predecessor's turns, listen for news, carry downloads, and learn what models
    there are."""
    from apps.chat import turns
    from apps.llm import pulls
    from apps.llm.errors import ProviderError
    from apps.llm.router import router

    turns.running_turns()
    pulls.begin()
    with suppress(ProviderError):
        router().look_around()
        router().keep_watch()
        router().resolve()


def serve(fd: int, tls: tuple[Path, Path] | None = None) -> None:
    """Load the site and serve it until SIGTERM."""
    from django.conf import settings

    from apps.core.publishing import Publisher
    from nitro.asgi import application
    from nitro.web.server import Server

    with socket.socket(fileno=os.dup(fd)) as listening:
        family = listening.family
    gc.collect()
    gc.freeze()  # what is loaded now stays; the collector need not look at it again
    limit = settings.MAX_BODY_MB * 1024 * 1024
    publisher = Publisher()
    publisher.start()
    Server(application, fd=fd, family=family, body_limit=limit, drain=drain_turns, begin=keep_turns, tls=tls).run()
    publisher.stop()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m nitro.web")
    parser.add_argument("--fd", type=int, required=True, help="the file descriptor of a listening socket")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERTIFICATE", "KEY"), help="serve https with these")
    given = parser.parse_args()
    os.environ.setdefault("NITRO_ROLE", "web")
    try:
        serve(given.fd, tuple(given.tls) if given.tls else None)
    except SettingError as error:
        sys.exit(f"nitro: {error}")


if __name__ == "__main__":
    main()
