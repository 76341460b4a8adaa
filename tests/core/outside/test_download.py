"""Large files through the door: from any byte on, of one version, over https alone."""

from __future__ import annotations

import asyncio

import pytest
from pytest_django import Settings

from apps.core.outside import AddressRefused, BadAnswer, TooSlow, Unreachable
from apps.core.outside import download as module
from apps.core.outside.download import download
from tests.core.outside.servers import Local, local, onward

HTTP = frozenset({"http"})


def allow(settings: Settings, *servers: Local) -> None:
    settings.FETCH_ALLOWED_PRIVATE = [server.place for server in servers]


def answer(status: str, body: bytes, *headers: str) -> bytes:
    """A whole answer, its connection closed after it."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body


def whole(body: bytes, *headers: str) -> bytes:
    return answer("200 OK", body, f"Content-Length: {len(body)}", *headers)


async def read(url: str, start: int = 0, tag: str = "") -> tuple[int, int, str, bytes]:
    async with download(url, start=start, tag=tag, schemes=HTTP) as coming:
        body = b"".join([piece async for piece in coming.pieces()])
        return coming.start, coming.total, coming.tag, body


async def test_a_file_comes_whole_with_the_name_of_its_version(settings: Settings) -> None:
    async with local(file=whole(b"numbers", 'ETag: "v1"')) as server:
        allow(settings, server)
        assert await read(server.url("/file")) == (0, 7, '"v1"', b"numbers")
    assert b"accept-encoding: identity" in server.heads[0].lower()
    assert b"range:" not in server.heads[0].lower()


async def test_the_rest_of_a_file_comes_from_where_it_was_asked_for(settings: Settings) -> None:
    rest = answer("206 Partial Content", b"bers", "Content-Length: 4", "Content-Range: bytes 3-6/7", 'ETag: "v1"')
    async with local(file=rest) as server:
        allow(settings, server)
        assert await read(server.url("/file"), 3, '"v1"') == (3, 7, '"v1"', b"bers")
    head = server.heads[0].lower()
    assert b"range: bytes=3-" in head
    assert b'if-range: "v1"' in head


async def test_without_the_name_of_a_version_nothing_is_gone_on_with(settings: Settings) -> None:
    async with local(file=whole(b"numbers")) as server:
        allow(settings, server)
        assert (await read(server.url("/file"), 3))[0] == 0
    assert b"range:" not in server.heads[0].lower()


@pytest.mark.parametrize("tag", ['W/"v1"', "v1", '"' + "x" * 300 + '"'])
async def test_a_weak_name_promises_nothing(settings: Settings, tag: str) -> None:
    async with local(file=whole(b"numbers", f"ETag: {tag}")) as server:
        allow(settings, server)
        assert (await read(server.url("/file")))[2] == ""


async def test_a_file_that_has_become_shorter_comes_from_its_beginning(settings: Settings) -> None:
    async with local(file=whole(b"numbers")) as server:
        allow(settings, server)
        asked = iter([answer("416 Range Not Satisfiable", b"", "Content-Length: 0"), whole(b"numbers")])

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(next(asked))
            await writer.drain()

        server.answers["/file"] = say
        assert (await read(server.url("/file"), 100, '"v1"'))[3] == b"numbers"


async def test_redirects_are_followed_and_read_as_strictly(settings: Settings) -> None:
    async with local(file=whole(b"numbers")) as server, local() as canary:
        allow(settings, server)
        server.answers |= {"/good": onward("/file"), "/bad": onward(canary.url("/file")), "/round": onward("/round")}
        assert (await read(server.url("/good")))[3] == b"numbers"
        with pytest.raises(AddressRefused):
            await read(server.url("/bad"))
        with pytest.raises(BadAnswer, match="again and again"):
            await read(server.url("/round"))
        assert canary.hits == 0


@pytest.mark.parametrize(
    "said",
    [
        answer("404 Not Found", b"", "Content-Length: 0"),
        answer("200 OK", b"numbers"),
        whole(b"numbers", "Content-Encoding: gzip"),
        answer("206 Partial Content", b"bers", "Content-Length: 4"),
        answer("206 Partial Content", b"bers", "Content-Length: 4", "Content-Range: bytes 2-5/7"),
        answer("206 Partial Content", b"bers", "Content-Length: 4", "Content-Range: bytes 3-6/*"),
        answer("206 Partial Content", b"bers", "Content-Length: 4", "Content-Range: bytes 3-6/2"),
        answer("206 Partial Content", b"more than that", "Content-Length: 14", "Content-Range: bytes 3-6/7"),
        b"nonsense\r\n\r\n",
    ],
)
async def test_an_answer_that_makes_no_sense_is_not_believed(settings: Settings, said: bytes) -> None:
    async with local(file=said) as server:
        allow(settings, server)
        with pytest.raises(BadAnswer):
            await read(server.url("/file"), 3, '"v1"')


async def test_a_connection_that_breaks_is_told(settings: Settings) -> None:
    async with local(file=answer("200 OK", b"numb", "Content-Length: 7")) as server:
        allow(settings, server)
        with pytest.raises(Unreachable, match="broke before the file was whole"):
            await read(server.url("/file"))


async def silent(writer: asyncio.StreamWriter) -> None:
    writer.write(answer("200 OK", b"numb", "Content-Length: 7"))
    await writer.drain()
    await asyncio.sleep(3600)


async def test_silence_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.1)
    async with local(file=silent) as server:
        allow(settings, server)
        with pytest.raises(TooSlow):
            await read(server.url("/file"))


async def test_plain_http_is_refused_before_anybody_is_asked(settings: Settings) -> None:
    async with local(file=whole(b"numbers")) as server:
        allow(settings, server)
        with pytest.raises(AddressRefused, match="https alone"):
            async with download(server.url("/file")):
                pass
    assert server.hits == 0
