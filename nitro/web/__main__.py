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
from typing import TYPE_CHECKING

import uvloop

from nitro.embedded.errors import ServiceError
from nitro.environment import SettingError
from nitro.listening import listen

if TYPE_CHECKING:
    from apps.monitor.watchman import Watchman

# Daphne makes its event loop when it is imported.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


async def drain_turns(seconds: float) -> None:
    """Lay downloads down for another process; let running answers finish, or save them as interrupted."""
    from apps.chat import turns
    from apps.chat.completions.ledger import ledger
    from apps.llm import pulls

    await pulls.end()
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

    from apps.core import reporting, spans
    from apps.core.publishing import Publisher
    from nitro import __version__
    from nitro.asgi import application
    from nitro.heap import Tidier
    from nitro.web.server import Server

    with socket.socket(fileno=os.dup(fd)) as listening:
        family = listening.family
    gc.collect()
    gc.freeze()  # what is loaded now stays; the collector need not look at it again
    limit = settings.MAX_BODY_MB * 1024 * 1024
    reporting.start(__version__)
    spans.start(__version__)
    publisher = Publisher()
    publisher.start()
    watchman, tidier = on_watch(), Tidier()
    tidier.start()
    Server(application, fd=fd, family=family, body_limit=limit, drain=drain_turns, begin=keep_turns, tls=tls).run()
    tidier.stop()
    watchman.stop()
    publisher.stop()
    spans.stop()


def on_watch() -> Watchman:
    """The thread that looks for alarms. Imported here: its models need a site that is loaded."""
    from apps.monitor.watchman import Watchman

    watchman = Watchman()
    watchman.start()
    return watchman


def door(host: str, port: int) -> socket.socket:
    """Listen, where no `nitro up` does. Raises `ServiceError`, also where no page could be shown."""
    from nitro import settings

    if not (settings.DEBUG or (settings.STATIC_ROOT / "staticfiles.json").exists()):
        raise ServiceError(
            f"Styles and scripts are not compiled in {settings.STATIC_ROOT}. Run `nitro prepare` on this machine first."
        )
    return listen(host, port)


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of `nitro web`."""
    parser = argparse.ArgumentParser(prog="nitro web", description="One web process, until SIGTERM.")
    parser.add_argument("--fd", type=int, help="the file descriptor of a listening socket, instead of an address")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERTIFICATE", "KEY"), help="serve https with these")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Serve. Returns the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    os.environ.setdefault("NITRO_ROLE", "web")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    try:
        listening = None if given.fd is not None else door(given.host, given.port)
        serve(given.fd if listening is None else listening.detach(), tuple(given.tls) if given.tls else None)
    except (SettingError, ServiceError) as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
