"""The server of one web process: daphne's, with our two doors and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import txaio.tx
from daphne.server import Server as Daphne  # installs the reactor, so it comes before any other part of Twisted
from twisted.internet import defer, reactor, tcp
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from zope.interface import provider

from apps.core import draining
from nitro.web.encrypted import encrypted
from nitro.web.requests import Door, Request
from nitro.web.sockets import Socket, SocketFactory

logger = logging.getLogger(__name__)
txaio_level: Callable[[str], None] = txaio.tx.set_global_log_level
DRAIN_SECONDS = 20.0
GOODBYE_SECONDS = 2.0
RESTART = 1012  # "Service Restart" in the registry of RFC 6455
Drain = Callable[[float], Awaitable[None]]
Begin = Callable[[], object]


class FairPort(tcp.Port):
    """A listening socket that takes one connection at a time, so that processes on the same socket share them."""

    @property
    def numberAccepts(self) -> int:  # noqa: N802
        """Twisted would take a hundred at once."""
        return 1

    @numberAccepts.setter
    def numberAccepts(self, value: int) -> None:  # noqa: N802
        """Twisted tunes it; we do not."""


class Server(Daphne):  # type: ignore[misc]
    """Serves an ASGI application on an inherited listening socket until SIGTERM."""

    def __init__(
        self,
        application: Any,
        *,
        fd: int,
        family: int,
        body_limit: int,
        drain: Drain,
        begin: Begin = lambda: None,
        stall_seconds: float = 30.0,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        super().__init__(
            application,
            endpoints=[f"fd:fileno={fd}"],
            signal_handlers=False,
            websocket_timeout=-1,
            # longer than the wait for a database connection: then the client is told why it cannot come in
            websocket_handshake_timeout=15,
            server_name="nitro",
            verbosity=0,
        )
        self.fd, self.family = fd, family
        self.body_limit, self.stall_seconds = body_limit, stall_seconds
        self.drain, self.begin = drain, begin
        self.tls = tls
        self._ending: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Serve. Returns when the process should end."""
        twisted: Any = reactor
        txaio_level("critical")
        globalLogBeginner.beginLoggingTo([failures], redirectStandardIO=False, discardBuffer=True)
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = Door(self)
        self.ws_factory = SocketFactory(self, server=self.server_name)
        self.ws_factory.configure(ping_timeout=self.ping_timeout, handshake_timeout=self.websocket_handshake_timeout)
        twisted.callLater(1, self.application_checker)
        twisted.callLater(2, self.timeout_checker)
        ports: Any = FairPort
        door = encrypted(self.http_factory, *self.tls) if self.tls else self.http_factory
        self.port = ports._fromListeningDescriptor(twisted, self.fd, self.family, door)
        self.port.startListening()
        loop = twisted._asyncioEventloop
        asyncio.set_event_loop(loop)
        loop.add_signal_handler(signal.SIGTERM, self.begin_to_end)
        loop.add_signal_handler(signal.SIGINT, self.begin_to_end)
        twisted.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        loop.call_soon(self.begin)
        twisted.run(installSignalHandlers=False)

    # --- applications ------------------------------------------------------------------------------------------------
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for a connection; returns the queue in which daphne puts what arrives."""
        scope.setdefault("asgi", {"version": "3.0"})
        if isinstance(protocol, Request):
            body = protocol.lend_content()
            queue: Any = body
            receive = body.receive
        else:
            queue = protocol.inbox()
            receive = queue.get
        task = asyncio.ensure_future(self.application(scope=scope, receive=receive, send=protocol.send))
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    def _application_ended(self, protocol: Any, task: asyncio.Future[Any]) -> None:
        """Tell the client of a crash at once, not at the next round of daphne's checker."""
        if task.cancelled() or task.exception() is None:
            return
        details = self.connections.get(protocol)
        if details is not None and details.pop("application_instance", None) is not None:
            error = task.exception()
            logger.error("The application failed.", exc_info=error)
            if not details.get("disconnected"):
                protocol.handle_exception(error)

    def kill_all_applications(self) -> Any:
        """Cancel what still runs when the reactor stops, and wait for it."""
        running = [d["application_instance"] for d in self.connections.values() if "application_instance" in d]
        for task in running:
            task.cancel()
        return defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))

    # --- the end -----------------------------------------------------------------------------------------------------
    def begin_to_end(self) -> None:
        """SIGTERM: drain, then stop. The second one stops at once."""
        if self._ending is not None:
            self.stop()
            return
        draining.begin()
        self._ending = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        self.port.stopListening()
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            await self.drain(DRAIN_SECONDS)
        except Exception:  # a defect there must not keep the process from ending
            logger.exception("Turns could not be drained.")
        await self._until(lambda: not self._open(Request), deadline - time.monotonic())
        for socket in self._open(Socket):
            socket.serverClose(RESTART, b"Restarting. Connect again in a second.")
        await self._until(lambda: not self._open(Socket), GOODBYE_SECONDS)
        self.stop()

    def _open(self, kind: type) -> list[Any]:
        """Connections of one kind on which something still goes on."""
        return [
            protocol
            for protocol, details in self.connections.items()
            if isinstance(protocol, kind) and "application_instance" in details and not details.get("disconnected")
        ]

    @staticmethod
    async def _until(true: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true() and time.monotonic() < deadline:  # noqa: ASYNC110 (connections end in many ways)
            await asyncio.sleep(0.02)


@provider(ILogObserver)  # type: ignore[untyped-decorator]
def failures(event: LogEvent) -> None:
    """Of Twisted's own log only what went wrong."""
    failure = event.get("log_failure")
    if failure is not None:
        error = failure.value.with_traceback(failure.getTracebackObject())
        logger.error("Twisted stumbled.", exc_info=error)
