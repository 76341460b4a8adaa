"""The door: what it fetches, what it refuses, and what it never does, whatever the other side tries."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pytest_django import Settings

from apps.core import outside
from apps.core.outside import AddressRefused, BadAnswer, Bounds, Hook, TooLarge, TooSlow, Unreachable, WrongType
from apps.core.outside import connection as names
from apps.core.outside.addresses import place_check
from tests.core.outside.servers import HEAD, Local, local, onward, page

HTML = frozenset({"text/html"})
RELATIVE = "http:127.0.0.1:{port}/"  # in a redirect: a path of the same server
SPELLINGS = [
    "http://127.0.0.1:{port}/", "http://2130706433:{port}/", "http://017700000001:{port}/", "http://0x7f.1:{port}/",
    "http://127.1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[::127.0.0.1]:{port}/", "http://[::1]:{port}/", "http://0.0.0.0:{port}/", "http://a@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/", "//127.0.0.1:{port}/", RELATIVE,
    "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/", "data:text/html,canary",
]  # fmt: skip


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Local]:
    """Whoever reaches it has found a way around the door."""
    async with local() as server:
        yield server
        assert server.hits == 0


def allow(settings: Settings, *servers: Local) -> None:
    settings.FETCH_ALLOWED_PRIVATE = [server.place for server in servers]


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let each resolution give the next of the answers; returns the list of names that were asked for."""
    asked: list[str] = []

    async def answer(host: str, port: int) -> list[tuple[Any, ...]]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        kinds = [socket.AF_INET6 if ":" in number else socket.AF_INET for number in found]
        return [(kind, 0, 0, "", (number, port)) for kind, number in zip(kinds, found, strict=True)]

    monkeypatch.setattr(names, "addresses_of", answer)
    return asked


async def test_a_page_is_fetched_with_its_type_and_charset(settings: Settings) -> None:
    async with local(root=page(b"hello", media="text/html; charset=ISO-8859-1")) as web:
        allow(settings, web)
        answer = await outside.fetch(web.url())
    assert (answer.body, answer.media_type, answer.charset, answer.url) == (
        b"hello",
        "text/html",
        "iso-8859-1",
        web.url(),
    )


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_leads_to_this_machine(canary: Local, spelling: str) -> None:
    with pytest.raises(AddressRefused):
        await outside.fetch(spelling.format(port=canary.port))


@pytest.mark.parametrize("spelling", [text for text in SPELLINGS if text != RELATIVE])
@pytest.mark.parametrize("status", [301, 303, 307])
async def test_no_redirect_leads_to_this_machine(settings: Settings, canary: Local, spelling: str, status: int) -> None:
    target = spelling.format(port=canary.port)
    async with local(root=onward(target, status)) as web:
        allow(settings, web)
        with pytest.raises((AddressRefused, BadAnswer)):
            await outside.fetch(web.url())


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]])
async def test_a_name_that_resolves_to_this_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, canary: Local, found: list[str]
) -> None:
    resolves(monkeypatch, found)
    with pytest.raises(AddressRefused):
        await outside.fetch(f"http://rebind.example:{canary.port}/")


async def test_a_name_is_resolved_once_so_that_it_cannot_change_its_mind(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, canary: Local
) -> None:
    async with local(root=page(b"first")) as web:
        allow(settings, web)
        asked = resolves(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
        answer = await outside.fetch(f"http://rebind.example:{web.port}/")
        assert answer.body == b"first"
        assert asked == ["rebind.example"]


async def test_a_name_that_changes_its_mind_at_a_redirect_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, canary: Local
) -> None:
    async with local(root=onward(f"http://rebind.example:{canary.port}/")) as web:
        allow(settings, web)
        resolves(monkeypatch, ["127.0.0.1"])
        with pytest.raises(AddressRefused):
            await outside.fetch(f"http://rebind.example:{web.port}/")


async def test_the_socket_itself_is_the_second_wall(monkeypatch: pytest.MonkeyPatch, canary: Local) -> None:
    resolves(monkeypatch, ["127.0.0.1"])
    checks = iter([None])

    def once_blind(number: str, port: int, allowed: Any = ()) -> None:
        if next(checks, 1) is not None:
            place_check(number, port, allowed)

    monkeypatch.setattr(names, "place_check", once_blind)
    with pytest.raises(AddressRefused):
        await outside.fetch(f"http://rebind.example:{canary.port}/")


async def test_a_name_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(host: str, port: int) -> list[tuple[Any, ...]]:
        raise socket.gaierror(8, "not known")

    monkeypatch.setattr(names, "addresses_of", nobody)
    with pytest.raises(Unreachable, match="no such host"):
        await outside.fetch("http://nowhere.example/")


async def test_redirects_are_followed_and_the_last_address_is_told(settings: Settings) -> None:
    async with local(root=onward("/a"), a=onward("b?x=1"), **{"b?x=1": page(b"here")}) as web:
        allow(settings, web)
        answer = await outside.fetch(web.url())
    assert (answer.url, answer.body) == (web.url("/b?x=1"), b"here")


async def test_redirects_without_end_are_given_up(settings: Settings) -> None:
    async with local(root=onward("/")) as web:
        allow(settings, web)
        with pytest.raises(BadAnswer, match="again and again"):
            await outside.fetch(web.url(), Bounds(redirects=3))
    assert web.hits == 4


async def test_a_redirect_without_an_address_is_a_bad_answer(settings: Settings) -> None:
    async with local(root=b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n") as web:
        allow(settings, web)
        with pytest.raises(BadAnswer):
            await outside.fetch(web.url())


async def test_nothing_of_anybody_is_sent_along(settings: Settings) -> None:
    first = page(b"a", "Set-Cookie: secret=1; Path=/")
    async with local(root=first, b=page(b"b")) as web:
        allow(settings, web)
        await outside.fetch(web.url())
        await outside.fetch(web.url("/b"))
    asked = b"".join(web.heads).lower()
    assert not any(name in asked for name in (b"cookie", b"authorization", b"referer"))


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"X-Header: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def test_an_endless_body_ends_at_the_bound(settings: Settings) -> None:
    async with local(root=_endless) as web:
        allow(settings, web)
        with pytest.raises(TooLarge):
            await outside.fetch(web.url(), Bounds(size=100_000))


async def test_of_a_long_page_the_beginning_is_kept_where_that_is_enough(settings: Settings) -> None:
    async with local(root=_endless) as web:
        allow(settings, web)
        answer = await outside.fetch(web.url(), Bounds(size=100_000, cut=True))
    assert (answer.cut, len(answer.body)) == (True, 100_000)


@pytest.mark.parametrize("slow", [_drip, _silent])
async def test_drips_and_silence_end_in_time(settings: Settings, slow: Any) -> None:
    async with local(root=slow) as web:
        allow(settings, web)
        with pytest.raises(TooSlow):
            await outside.fetch(web.url(), Bounds(seconds=0.3))


async def test_an_endless_head_is_no_http(settings: Settings) -> None:
    async with local(root=_endless_head) as web:
        allow(settings, web)
        with pytest.raises(BadAnswer):
            await outside.fetch(web.url())


@pytest.mark.parametrize("raw", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff" * 500])
async def test_garbage_is_told_as_such(settings: Settings, raw: bytes) -> None:
    async with local(root=raw) as web:
        allow(settings, web)
        with pytest.raises((BadAnswer, Unreachable)):
            await outside.fetch(web.url())


def _raw_deflate(body: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(body) + machine.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(b"hello")), ("deflate", zlib.compress(b"hello")), ("deflate", _raw_deflate(b"hello"))],
)
async def test_packed_pages_are_unpacked(settings: Settings, encoding: str, packed: bytes) -> None:
    async with local(root=page(packed, f"Content-Encoding: {encoding}")) as web:
        allow(settings, web)
        assert (await outside.fetch(web.url())).body == b"hello"


async def test_a_bomb_gives_no_more_than_the_bound(settings: Settings) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with local(root=page(bomb, "Content-Encoding: gzip")) as web:
        allow(settings, web)
        assert len((await outside.fetch(web.url(), Bounds(size=200_000, cut=True))).body) == 200_000
        with pytest.raises(TooLarge):
            await outside.fetch(web.url(), Bounds(size=200_000))


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_other_packings_are_not_opened(settings: Settings, encoding: str) -> None:
    async with local(root=page(b"x", f"Content-Encoding: {encoding}")) as web:
        allow(settings, web)
        with pytest.raises(BadAnswer):
            await outside.fetch(web.url())


async def test_what_is_packed_wrongly_is_told(settings: Settings) -> None:
    async with local(root=page(b"no gzip at all", "Content-Encoding: gzip")) as web:
        allow(settings, web)
        with pytest.raises(BadAnswer, match="packed"):
            await outside.fetch(web.url())


async def test_another_type_is_not_read(settings: Settings) -> None:
    async with local(root=page(b"x", media="application/zip")) as web:
        allow(settings, web)
        with pytest.raises(WrongType):
            await outside.fetch(web.url(), Bounds(types=HTML))


async def test_an_announced_length_over_the_bound_is_not_even_read(settings: Settings) -> None:
    async with local(root=page(b"x" * 2000)) as web:
        allow(settings, web)
        with pytest.raises(TooLarge):
            await outside.fetch(web.url(), Bounds(size=1000))


@pytest.mark.parametrize("status", [204, 404, 500])
async def test_a_status_that_is_no_page_is_told(settings: Settings, status: int) -> None:
    async with local(root=f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()) as web:
        allow(settings, web)
        with pytest.raises(BadAnswer) as caught:
            await outside.fetch(web.url())
    assert caught.value.answered == status


async def test_a_closed_port_is_unreachable(settings: Settings) -> None:
    async with local() as web:
        allow(settings, web)
    with pytest.raises(Unreachable):
        await outside.fetch(web.url())


async def test_a_hook_is_posted_with_its_headers(settings: Settings) -> None:
    async with local(root=b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") as web:
        allow(settings, web)
        answer = await outside.post(web.url(), Hook(b'{"a":1}', headers={"X-Nitro-Signature": "abc"}))
    assert (answer.status, web.bodies) == (410, [b'{"a":1}'])
    assert b"X-Nitro-Signature: abc" in web.heads[0]


async def test_a_hook_follows_no_redirect(settings: Settings, canary: Local) -> None:
    async with local(root=onward(canary.url(), 307), ok=page(b"")) as web:
        allow(settings, web, canary)
        with pytest.raises(BadAnswer):
            await outside.post(web.url(), Hook(b"{}"))


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_hook_reaches_this_machine(canary: Local, spelling: str) -> None:
    with pytest.raises(AddressRefused):
        await outside.post(spelling.format(port=canary.port), Hook(b"{}"))
