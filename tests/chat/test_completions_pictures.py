"""Pictures in questions of OpenAI's form: in the request itself, or at an address that Nitro may visit."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from pytest_django import Settings

from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from tests import cast
from tests.chat.programs import COMPLETIONS, post
from tests.core.outside.servers import Local, local, onward, page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def key(transactional_db: None) -> str:
    return await in_database(lambda: cast.key_of(cast.alice(), "chat"))


def teal() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 2), "teal").save(out, "PNG")
    return out.getvalue()


def seen(url: str, *more: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": one}} for one in (url, *more)]
    return {"model": "scripted", "messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, *parts]}]}


def allow(settings: Settings, *servers: Local) -> None:
    settings.FETCH_ALLOWED_PRIVATE = [server.place for server in servers]


async def test_a_picture_in_the_request_reaches_the_model(model: Scripted, key: str) -> None:
    data = f"data:image/jpeg;base64,{base64.b64encode(teal()).decode()}"
    assert (await post(COMPLETIONS, seen(data), key)).status == 200
    (picture,) = model.calls[0].messages[0].images
    assert (picture.media_type, picture.data) == ("image/png", teal())


async def test_a_picture_at_an_address_reaches_the_model(model: Scripted, key: str, settings: Settings) -> None:
    async with local(cat=page(teal(), media="image/png"), lead=onward("/cat")) as server:
        allow(settings, server)
        assert (await post(COMPLETIONS, seen(server.url("/cat"), server.url("/lead")), key)).status == 200
    assert [one.data for one in model.calls[0].messages[0].images] == [teal(), teal()]


async def test_an_address_that_stands_where_an_object_should_is_read_all_the_same(
    model: Scripted, key: str, settings: Settings
) -> None:
    async with local(cat=page(teal(), media="image/png")) as server:
        allow(settings, server)
        asked = seen("")
        asked["messages"][0]["content"][1] = {"type": "image_url", "image_url": server.url("/cat")}
        assert (await post(COMPLETIONS, asked, key)).status == 200


async def test_nobody_gets_inside_by_the_address_of_a_picture(model: Scripted, key: str, settings: Settings) -> None:
    async with local() as canary, local(lead=onward(canary.url("/"))) as server:
        allow(settings, server)
        for url in (canary.url("/"), f"http://2130706433:{canary.port}/", server.url("/lead"), "http://localhost/"):
            heard = await post(COMPLETIONS, seen(url), key)
            error = heard.json["error"]
            assert (heard.status, error["code"]) == (400, "invalid_image_url")
            assert error["param"] == "messages[0].content[1].image_url"
        assert canary.hits == 0
    assert not model.calls


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (page(b"<html>", media="text/html"), "text/html"),
        (page(b"GIF9 no picture at all", media="image/png"), "no picture"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 99999999\r\n\r\n", "kB"),
    ],
)
async def test_what_is_no_picture_is_told_with_its_place(
    model: Scripted, key: str, settings: Settings, answer: bytes, part: str
) -> None:
    async with local(cat=answer) as server:
        allow(settings, server)
        heard = await post(COMPLETIONS, seen(server.url("/cat")), key)
    assert heard.status == 400
    assert part in heard.json["error"]["message"]
    assert not model.calls


async def test_seventeen_pictures_are_too_many_and_none_is_fetched(
    model: Scripted, key: str, settings: Settings
) -> None:
    async with local() as server:
        allow(settings, server)
        heard = await post(COMPLETIONS, seen(*[server.url(f"/{n}") for n in range(17)]), key)
        assert (heard.status, server.hits) == (400, 0)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/x.png", "file:///etc/passwd", "javascript:1", "data:text/html;base64,QQ=="]
)
async def test_other_schemes_are_refused(model: Scripted, key: str, url: str) -> None:
    heard = await post(COMPLETIONS, seen(url), key)
    assert (heard.status, heard.json["error"]["code"]) == (400, "unsupported_value")
