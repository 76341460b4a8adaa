"""`nitro up`: starts what Nitro consists of, watches over it and ends it in order."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

from nitro.certificate import Certificate, own_certificate
from nitro.console import Console
from nitro.embedded.errors import ServiceError
from nitro.embedded.local import LocalModels
from nitro.embedded.model import Model, chosen_model
from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.environment import SettingError
from nitro.holder import Holder
from nitro.keeper import Keeper, launch, until
from nitro.listening import listen, unnamed
from nitro.prepare import fingerprint, remembered
from nitro.process import Program
from nitro.reaching import probe, reachable

START_SECONDS = 120.0
MOST_DEATHS = 4
WEB_GRACE = 26.0  # 20 s for running answers, some for saying goodbye
LEAN = {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}


class Part:
    """A part of Nitro that is no embedded service: a web process or the worker."""

    def __init__(self, name: str, module: str, *, role: str, home: Path, fd: int | None = None, grace: float) -> None:
        self.name = name
        self.role = role
        self.home = home
        self.grace = grace
        self.fds = [] if fd is None else [fd]
        self.argv = [sys.executable, "-m", module, *([] if fd is None else ["--fd", str(fd)])]
        self.model_url = ""
        self.environment: dict[str, str] = {}

    def prepare(self) -> None:
        """Nothing to do before a start."""

    def repair(self, last_words: str) -> str:
        """Nothing to repair."""
        return ""

    def program(self) -> Program:
        """The process, told who it is and where the model answers."""
        environment = {"NITRO_ROLE": self.role, "NITRO_SLOT": self.name, "NITRO_HOME": str(self.home)}
        lean = {name: value for name, value in LEAN.items() if name not in os.environ}
        if self.model_url:
            environment["BUILTIN_MODEL_URL"] = self.model_url
        environment |= lean | self.environment
        return Program(self.argv, environment=environment, pass_fds=self.fds, grace=self.grace)


class Supervisor:
    """All processes of one data folder."""

    def __init__(
        self,
        settings: ModuleType,
        listening: socket.socket,
        workers: int,
        console: Console,
        certificate: Certificate | None = None,
    ) -> None:
        self.settings = settings
        self.home: Path = settings.NITRO_HOME
        self.console = console
        self.listening = listening
        host, port = listening.getsockname()[:2]
        self.certificate = certificate
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://{reachable(host)}:{port}/"
        stores: list[Postgres | Redis] = []
        if settings.EMBEDDED_DATABASE:
            stores.append(Postgres(self.home))
        if settings.EMBEDDED_REDIS:
            stores.append(Redis(self.home))
        self.stores = [(Keeper(store, console), store.ready) for store in stores]
        self.local_models = None if settings.BUILTIN_MODEL_URL else LocalModels(self.home, console)
        wanted = {"auto", "builtin"} & {settings.AI_MODEL, *settings.AI_FALLBACK} and not settings.BUILTIN_MODEL_URL
        chosen = chosen_model(self.home, settings.BUILTIN_MODEL) if wanted and settings.BUILTIN_MODEL else None
        model = Model(self.home, chosen) if wanted else None
        self.model = Keeper(model, console) if model else None
        self.model_url = model.url if model else ""
        fd = listening.fileno()
        webs = [self._part(f"web-{n + 1}", "nitro.web", "web", WEB_GRACE, fd) for n in range(workers)]
        self.webs = [Keeper(web, console) for web in webs]
        self.worker = Keeper(self._part("worker", "nitro.worker", "worker", 10.0), console)
        self._asked_to_stop = 0
        self._stopping = asyncio.Event()

    def _part(self, name: str, module: str, role: str, grace: float, fd: int | None = None) -> Part:
        part = Part(name, module, role=role, home=self.home, fd=fd, grace=grace)
        part.model_url = self.model_url
        if self.certificate and role == "web":
            part.argv += ["--tls", str(self.certificate.certificate), str(self.certificate.key)]
            part.environment["COOKIES_SECURE"] = os.environ.get("COOKIES_SECURE", "true")
        return part

    async def run(self) -> int:
        """Start everything, wait for a signal, stop everything. Returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        status = 0
        if starting.done() and (problem := starting.exception()):
            self.console.say(f"Nitro could not start: {problem}")
            status = 1
        else:
            await stopping
        starting.cancel()
        stopping.cancel()
        await self._stop()
        return status

    def _ask_to_stop(self) -> None:
        self._asked_to_stop += 1
        if self._asked_to_stop == 1:
            self.console.say("Nitro is stopping; running answers get up to 20 seconds. Press Ctrl-C again to stop now.")
            self._stopping.set()
        else:
            for keeper in self._all():
                keeper.kill()

    def _all(self) -> list[Keeper]:
        """Everything in the order in which it ends."""
        return [
            *self.webs,
            self.worker,
            *([self.model] if self.model else []),
            *(self.local_models.keepers if self.local_models else []),
            *(keeper for keeper, _ in reversed(self.stores)),
        ]

    # --- the start ---------------------------------------------------------------------------------------------------
    async def _start(self) -> None:
        """Everything at once where nothing has changed since the last start, else first things first."""
        for keeper, _ in self.stores:
            keeper.start()
        if self.model:
            self.model.start()
        if self.local_models:
            await self.local_models.open()
        mark = await asyncio.to_thread(fingerprint, self.home, self.settings.DATABASE_URL)
        memory = remembered(self.home)
        fresh = memory.get("fingerprint") == mark and self.settings.EMBEDDED_DATABASE
        if fresh:
            self._open_doors()
        await self._answering()
        link = None
        if not fresh or not memory.get("signed_in"):
            # The database of a first start is made by now, and with it the mark has changed.
            mark = await asyncio.to_thread(fingerprint, self.home, self.settings.DATABASE_URL)
            link = await self._prepare(mark)
        if not fresh:
            self._open_doors()
        await self._ready()
        self.worker.start()
        path = (link or "").lstrip("/")
        self.console.say(f"Nitro is ready: {self.url}{path}")

    def _open_doors(self) -> None:
        for keeper in self.webs:
            keeper.start()

    async def _answering(self) -> None:
        for keeper, ready in self.stores:
            await until(partial(_settled, keeper, ready), START_SECONDS)
            if not ready():
                raise ServiceError(f"{keeper.name} does not answer. {keeper.problem}")

    async def _prepare(self, mark: str) -> str | None:
        """Migrations and static files, in a process that then gives its memory back."""
        part = Part("start", "nitro.prepare", role="web", home=self.home, grace=5.0)
        part.argv += [str(self.home), mark]
        child = await launch(part.program(), stderr=asyncio.subprocess.PIPE)
        output, _ = await asyncio.gather(_read(child.stdout), self.console.follow("start", child.stderr))
        if await child.wait():
            raise ServiceError("the database or the static files could not be brought up to date; the log says why.")
        return output.decode().strip() or None

    async def _ready(self) -> None:
        """Wait until the page really answers."""
        names = [name.lstrip(".") for name in self.settings.ALLOWED_HOSTS]
        host = "127.0.0.1" if {"*", "127.0.0.1"} & set(names) else next(iter(names), "127.0.0.1")
        port = self.listening.getsockname()[1]
        where = reachable(self.listening.getsockname()[0])
        if not await until(probe(f"{self.scheme}://{where}:{port}/readyz", host), START_SECONDS, 0.05):
            raise ServiceError("the page does not answer; the log says why.")

    # --- the end -----------------------------------------------------------------------------------------------------
    async def _stop(self) -> None:
        """Doors first, data last, so that whoever writes finds what it writes to."""
        self.listening.close()
        await asyncio.gather(*(keeper.stop() for keeper in self.webs))
        if self.local_models:
            await self.local_models.close()
        rest = [self.worker, *([self.model] if self.model else [])]
        await asyncio.gather(*(keeper.stop() for keeper in rest))
        for keeper, _ in reversed(self.stores):
            await keeper.stop()


def _settled(keeper: Keeper, ready: Callable[[], bool]) -> bool:
    """Whether it answers, or has failed so often that waiting for it makes no sense."""
    return keeper.deaths > MOST_DEATHS or ready()


async def _read(output: asyncio.StreamReader | None) -> bytes:
    return await output.read() if output else b""


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of `nitro up`."""
    parser = argparse.ArgumentParser(prog="nitro up", description="Start Nitro and everything it needs.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="web processes (default: WEB_WORKERS, else two)")
    parser.add_argument("--tls", action="store_true", help="https with HTTP/2; see TLS_CERTIFICATE for a certificate")
    given = parser.parse_args(words)
    if not 1 <= given.port <= 65_535:
        parser.error("--port takes a number from 1 to 65535")
    if given.workers is not None and not 1 <= given.workers <= 64:
        parser.error("--workers takes a number from 1 to 64")
    return given


def open_socket(host: str, port: int) -> socket.socket:
    """Listen; patient for a moment with the processes of a Nitro that was just killed."""
    for _ in range(10):
        try:
            return listen(host, port)
        except ServiceError:
            time.sleep(0.1)
    return listen(host, port)


def certificate_of(settings: ModuleType) -> Certificate:
    """The certificate to serve with. Raises `ServiceError` where the one that was given cannot be used."""
    if not settings.TLS_CERTIFICATE:
        return own_certificate(settings.NITRO_HOME, settings.ALLOWED_HOSTS)
    given = Certificate(Path(settings.TLS_CERTIFICATE), Path(settings.TLS_KEY))
    given.check()
    return given


async def supervise(given: argparse.Namespace, settings: ModuleType, holder: Holder) -> int:
    """Run until told to stop."""
    console = Console(as_json=settings.LOG_FORMAT == "json")
    listening = open_socket(given.host, given.port)
    certificate = certificate_of(settings) if given.tls else None
    supervisor = Supervisor(settings, listening, given.workers or settings.WEB_WORKERS, console, certificate)
    holder.write(pid=os.getpid(), url=supervisor.url, model_url=supervisor.model_url)
    if certificate:
        console.say(f"The certificate has the SHA-256 fingerprint {certificate.fingerprint()}")
    if warning := unnamed(given.host, settings.ALLOWED_HOSTS):
        console.say(warning)
    console.say(f"Nitro is starting with the data folder {supervisor.home} …")
    return await supervisor.run()


def main(words: list[str] | None = None) -> int:
    """`nitro up`. Returns the exit status; what a person can repair is said in one sentence."""
    given = parse(sys.argv[1:] if words is None else words)
    try:
        from nitro import settings

        holder = Holder(settings.NITRO_HOME)
    except (SettingError, ServiceError) as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1
    try:
        return asyncio.run(supervise(given, settings, holder))
    except ServiceError as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1
    finally:
        holder.release()


if __name__ == "__main__":
    sys.exit(main())
