"""What `nitro doctor` finds on the way to Nitro: proxies that hold streams back, refuse upgrades or change names."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from apps.core import proving
from apps.core.diagnosis import Finding
from apps.core.outside import certificates, reachability
from apps.core.outside.certificates import Shown
from nitro.certificate import Certificate, own_certificate
from nitro.listening import listen
from nitro.process import Program, end, spawn, wait_until
from tests.nitro.web_process import ROOT, accepts, answers

LAST_CHUNK = b"0\r\n\r\n"


class Proxy:
    """A small reverse proxy. `buffers` holds an answer until it is whole; `upgrades` lets websockets through;
    `host` is written over the one that the client sent; `forwarded` names whom the proxy speaks for."""

    def __init__(self, port: int, *, buffers: bool = False, upgrades: bool = True, host: str = "") -> None:
        self.behind, self.buffers, self.upgrades, self.host = port, buffers, upgrades, host
        self.port = 0

    async def serve(self, ready: threading.Event) -> None:
        self.loop, self.ending = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self.pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await self.ending.wait()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if "upgrade: websocket" in head.lower() and not self.upgrades:
            head = "\r\n".join(line for line in head.split("\r\n") if not line.lower().startswith("upgrade"))
        lines = [line for line in head.split("\r\n") if line]
        if self.host:
            lines = [f"Host: {self.host}" if line.lower().startswith("host:") else line for line in lines]
        lines += ["X-Forwarded-For: 203.0.113.9"]
        if "upgrade: websocket" not in head.lower():
            lines = [line for line in lines if not line.lower().startswith("connection:")] + ["Connection: close"]
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        inner_writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        upward = asyncio.create_task(self.copy(reader, inner_writer, held=False))
        try:
            await self.copy(inner_reader, writer, held=self.buffers)
        finally:
            upward.cancel()
            writer.close()
            inner_writer.close()

    @staticmethod
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        kept = b""
        with suppress(ConnectionError):
            while not kept.endswith(LAST_CHUNK) and (piece := await reader.read(65536)):
                kept += piece
                if not held:
                    writer.write(kept)
                    await writer.drain()
                    kept = b""
        with suppress(ConnectionError):
            writer.write(kept)
            await writer.drain()


@contextmanager
def proxy(port: int, **habits: object) -> Iterator[str]:
    """The proxy in a thread of its own; its address."""
    made = Proxy(port, **habits)  # type: ignore[arg-type]
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(made.serve(ready)))
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{made.port}"
    finally:
        made.loop.call_soon_threadsafe(made.ending.set)
        thread.join(10)


@contextmanager
def serving(*words: str) -> Iterator[int]:
    """A real web process with this installation's key. It needs no database for what is asked here."""
    listening = listen("127.0.0.1", 0)
    argv = [sys.executable, "-m", "nitro.web", "--fd", str(listening.fileno()), *words]
    child = spawn(
        Program(
            argv,
            environment={"NITRO_ROLE": "web", "DEBUG_MODE": "true"},
            pass_fds=[listening.fileno()],
            folder=str(ROOT),
        )
    )
    number = int(listening.getsockname()[1])
    listening.close()
    try:
        assert wait_until(lambda: accepts(number) if words else answers(number), 60)
        yield number
    finally:
        end(child, signal.SIGTERM, 20)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as number:
        yield number


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What `nitro up --tls` makes in this data folder."""
    return own_certificate(tmp_path_factory.mktemp("home"), [])


@pytest.fixture(scope="module")
def secure(pair: Certificate) -> Iterator[str]:
    """The address of a web process as `nitro up --tls` starts it."""
    with serving("--tls", str(pair.certificate), str(pair.key)) as number:
        yield f"https://localhost:{number}"


def findings(url: str, **how: bool) -> dict[str, Finding]:
    return {finding.check: finding for finding in reachability.examine(url, **how)}


@pytest.mark.slow
def test_straight_ahead_everything_passes(port: int) -> None:
    found = findings(f"http://127.0.0.1:{port}")
    assert {name: one.ok for name, one in found.items()} == {"public": True, "stream": True, "sockets": True}


@pytest.mark.slow
def test_an_honest_proxy_passes_everything_but_hides_who_comes(port: int) -> None:
    with proxy(port) as url:
        found = findings(url)
    assert (found["stream"].ok, found["sockets"].ok) == (True, True)
    assert found["visitors"].hint == "Set TRUSTED_PROXIES=127.0.0.1, so that limits count people and not the proxy."


@pytest.mark.slow
def test_a_trusted_proxy_is_no_problem(port: int, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    with proxy(port) as url:
        assert findings(url)["visitors"].ok


@pytest.mark.slow
def test_a_proxy_that_holds_answers_back_is_found(port: int) -> None:
    with proxy(port, buffers=True) as url:
        found = findings(url)
    assert "stream" in found, found
    assert not found["stream"].ok
    assert "proxy_buffering off" in found["stream"].hint


@pytest.mark.slow
def test_a_proxy_that_forbids_upgrades_is_found(port: int) -> None:
    with proxy(port, upgrades=False) as url:
        found = findings(url)
    assert (found["sockets"].ok, found["sockets"].needed) == (False, True)
    assert "Upgrade" in found["sockets"].hint


@pytest.mark.slow
def test_a_proxy_that_changes_the_name_is_found(port: int) -> None:
    with proxy(port, host="inside.example") as url:
        found = findings(url)
    assert not found["public"].ok
    assert "ALLOWED_HOSTS" in found["public"].hint


@pytest.mark.slow
def test_a_certificate_of_our_own_hides_nothing_and_is_no_failure(
    secure: str, pair: Certificate, settings: Settings
) -> None:
    settings.NITRO_HOME = pair.certificate.parents[1]
    found = findings(secure)
    assert {name: one.ok for name, one in found.items()} == {
        "public": True, "stream": True, "sockets": True, "tls": False,
    }  # fmt: skip
    assert not found["tls"].needed
    assert pair.fingerprint() in found["tls"].hint


@pytest.mark.slow
def test_a_certificate_that_was_given_is_our_own_too(secure: str, pair: Certificate, settings: Settings) -> None:
    settings.TLS_CERTIFICATE = str(pair.certificate)
    found = findings(secure)
    assert found["sockets"].ok
    assert "cookies" not in found


@pytest.mark.slow
def test_a_certificate_that_nobody_knows_is_a_failure_with_a_way_out(
    secure: str, tmp_path: Path, settings: Settings
) -> None:
    for home in (tmp_path / "empty", own_certificate(tmp_path, []).certificate.parents[1]):
        settings.NITRO_HOME = home
        (found,) = reachability.examine(secure)
        assert (found.check, found.ok, found.needed) == ("public", False, True)
        assert "certificate that is not valid" in found.message
        assert "NITRO_HOME" in found.hint


@pytest.mark.slow
def test_the_address_of_the_nitro_that_runs_here_is_seen_without_any_trust(secure: str) -> None:
    found = findings(secure, own=True)
    assert all(one.ok for one in found.values())
    assert "days" in found["tls"].message


def test_names_and_end_of_a_certificate_are_told(pair: Certificate, settings: Settings) -> None:
    settings.NITRO_HOME = pair.certificate.parents[1]
    shown = certificates.own()
    assert shown is not None
    assert shown.fingerprint == pair.fingerprint()
    assert shown.is_for("localhost")
    assert shown.is_for("127.0.0.1")
    assert not shown.is_for("nitro.example.com")
    seen = reachability.Seen(certificate=shown, distrust=18)
    (found,) = reachability._transport("https://nitro.example.com", seen, own=False)
    assert "not for the name nitro.example.com" in found.message
    soon = replace(shown, ends=datetime.now(UTC) + timedelta(days=3))
    (found,) = reachability._transport("https://localhost", replace(seen, certificate=soon), own=False)
    assert found.message == "The certificate ends in 2 days."


def test_a_star_stands_for_one_part_of_a_name() -> None:
    shown = Shown(b"", datetime.now(UTC), frozenset({"*.example.com"}))
    assert shown.is_for("nitro.example.com")
    assert not shown.is_for("example.com")
    assert not shown.is_for("a.nitro.example.com")


def test_somebody_elses_certificate_leaves_cookies_to_the_settings(pair: Certificate, settings: Settings) -> None:
    settings.NITRO_HOME = pair.certificate.parents[1]
    seen = reachability.Seen(certificate=Shown(b"proxy", datetime.now(UTC) + timedelta(days=90), frozenset()))
    assert [one.check for one in reachability._transport("https://a.example", seen, own=False)] == ["tls", "cookies"]


def test_an_address_where_nobody_answers_is_one_line_with_a_hint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (found,) = reachability.examine(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert (found.check, found.ok, found.needed) == ("public", False, True)
    assert found.hint


def test_without_https_there_is_no_microphone_but_at_home() -> None:
    seen = reachability.Seen(gap=1.0, socket=101)
    (found,) = reachability._transport("http://nitro.example.com", seen, own=False)
    assert "microphone" in found.message
    assert not list(reachability._transport("http://localhost:8000", seen, own=False))


@pytest.mark.django_db
def test_the_probe_is_there_for_nobody_else(settings: Settings) -> None:
    assert Client().get("/healthz/probe").status_code == 404
    assert Client().get("/healthz/probe", headers={proving.HEADER: "forged"}).status_code == 404
    good = proving.token()
    assert proving.is_ours(good)
    settings.SECRET_KEY = "another installation's"
    assert not proving.is_ours(good)
