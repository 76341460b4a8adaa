"""Smaller responses: for those who can read them, worth the effort, and without telling secrets by their length."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.core.compression import SHORTEST, accepted, brotlied, compressed
from nitro.static_storage import HashedStaticFiles, StaticFiles

LONG = b"All work and no play makes Jack a dull boy. " * 50


def answered(response: HttpResponseBase, accept: str = "gzip, deflate, br, zstd") -> HttpResponseBase:
    return compressed(lambda request: response)(RequestFactory().get("/", headers={"accept-encoding": accept}))


def page(body: bytes = LONG, **headers: str) -> HttpResponse:
    return HttpResponse(body, headers={"Content-Type": "text/html; charset=utf-8", **headers})


def body_of(response: HttpResponseBase) -> bytes:
    assert isinstance(response, HttpResponse)
    return response.content


def test_browsers_get_brotli() -> None:
    response = answered(page())
    assert response.headers["Content-Encoding"] == "br"
    assert response.headers["Content-Length"] == str(len(body_of(response)))
    assert len(body_of(response)) < len(LONG) / 4
    assert brotli.decompress(body_of(response)) == LONG


def test_programs_get_gzip() -> None:
    response = answered(page(), "gzip, deflate")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body_of(response)) == LONG


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("identity", ""),
        ("", ""),
        ("BR", "br"),
        ("br;q=high, gzip", "gzip"),
        ("gzip;q=1.1.1", ""),
        (";;;,,,", ""),
        ("x" * 100_000, ""),
    ],
)
def test_the_client_says_what_it_can_read(header: str, coding: str) -> None:
    assert accepted(header) == coding


@given(st.text(st.characters(codec="latin-1")))
def test_any_header_is_understood_somehow(header: str) -> None:
    assert accepted(header) in {"", "br", "gzip"}


@pytest.mark.parametrize(
    "response",
    [
        page(LONG[: SHORTEST - 1]),
        page(LONG, **{"Content-Encoding": "gzip"}),
        page(LONG, **{"Cache-Control": "no-transform"}),
        HttpResponse(LONG, content_type="image/png"),
        HttpResponse(LONG, content_type="text/event-stream"),
        HttpResponse(LONG, content_type="text/html", status=206),
    ],
    ids=["short", "compressed", "not to be changed", "a picture", "events", "a part"],
)
def test_some_bodies_are_left_alone(response: HttpResponse) -> None:
    before = response.content
    assert body_of(answered(response)) == before


def test_bodies_that_do_not_get_smaller_are_left_alone() -> None:
    noise = secrets.token_bytes(SHORTEST + 10)
    assert not answered(page(noise)).has_header("Content-Encoding")


def test_a_stream_is_never_delayed() -> None:
    said: list[bytes] = []

    def slowly() -> Iterator[bytes]:
        for number in range(3):
            yield b"%d" % number * SHORTEST
            said.append(b"%d" % number)

    response = answered(StreamingHttpResponse(slowly(), content_type="text/html"))
    assert isinstance(response, StreamingHttpResponse)
    assert said == []
    pieces = response.streaming_content
    assert isinstance(pieces, Iterator)
    assert next(pieces) == b"0" * SHORTEST
    assert not response.has_header("Content-Encoding")


def test_caches_keep_both_forms_apart() -> None:
    for accept in ("br", "identity"):
        assert answered(page(), accept).headers["Vary"] == "Accept-Encoding"


def test_other_bytes_have_another_etag() -> None:
    assert answered(page(ETag='"abc"')).headers["ETag"] == 'W/"abc"'
    assert answered(page(ETag='"abc"'), "identity").headers["ETag"] == '"abc"'


@given(st.binary(max_size=3000))
def test_brotli_gives_back_what_was_put_in(body: bytes) -> None:
    assert brotli.decompress(brotlied(body)) == body


@pytest.mark.parametrize("length", [1, 2, 100, 255, 256])
def test_padding_of_any_length_is_skipped(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr("apps.core.compression.secrets.randbelow", lambda most: length - 1)
    assert brotli.decompress(brotlied(LONG)) == LONG


@pytest.mark.parametrize("accept", ["br", "gzip"])
def test_the_length_does_not_tell_whether_a_guess_was_right(accept: str) -> None:
    """BREACH: a right guess makes the body a few bytes shorter, which here is less than the noise."""
    secret = "token=4c1f9e7b2a"

    def lengths(guess: str) -> set[int]:
        text = f"<p>{secret}</p>{LONG.decode()}<p>{guess}</p>".encode()
        return {len(body_of(answered(page(text), accept))) for _ in range(300)}

    right, wrong = lengths(secret), lengths("token=zzzzzzzzzz")
    assert len(right) > 50
    assert min(wrong) < max(right)
    assert min(right) < max(wrong)


@pytest.mark.django_db
def test_the_token_of_a_page_is_masked_anew_each_time(client: Client) -> None:
    tokens = {client.get("/accounts/sign-in/").context["csrf_token"].__str__() for _ in range(3)}
    assert len(tokens) == 3


@pytest.fixture
def storage(tmp_path: Path) -> HashedStaticFiles:
    """With one of our files, as the preparation leaves it."""
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")
    storage.save("css/code.css", ContentFile(Path(str(finders.find("css/code.css"))).read_bytes()))
    for _, _, error in storage.post_process({"css/code.css": (storage, "css/code.css")}):
        assert not isinstance(error, Exception)
    return storage


def test_static_files_are_compressed_ahead_with_their_hash_in_the_name(
    storage: HashedStaticFiles, tmp_path: Path
) -> None:
    names = {path.name for path in (tmp_path / "css").iterdir()}
    (hashed,) = [name for name in names if name.endswith(".css") and name != "code.css"]
    assert {f"{hashed}.br", f"{hashed}.gz"} <= names
    whole = (tmp_path / "css" / hashed).read_bytes()
    assert brotli.decompress((tmp_path / "css" / f"{hashed}.br").read_bytes()) == whole


def test_static_files_may_be_kept_for_a_year_where_their_name_has_a_hash(
    storage: HashedStaticFiles, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATIC_ROOT, settings.DEBUG = tmp_path, False
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    monkeypatch.setattr("whitenoise.middleware.staticfiles_storage", storage)
    files = StaticFiles(lambda request: HttpResponse(status=404))
    addresses = ("/static/css/code.css", storage.url("css/code.css"))
    kept = [files(RequestFactory().head(address)).headers["Cache-Control"] for address in addresses]
    assert kept == [
        "max-age=60, public",
        "max-age=31536000, public, immutable",
    ]
