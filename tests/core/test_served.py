"""Private files over HTTP: caching, ranges, and headers that let nothing run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from apps.core import served, stored
from apps.core.middleware import every_response

NAME = "tests/picture.png"
CONTENT = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    backend = {"BACKEND": "apps.core.stored.WholeFiles", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    stored.save(NAME, CONTENT)
    return tmp_path / "files"


def get(name: str = NAME, method: str = "GET", download_as: str = "", **headers: str) -> HttpResponse:
    request = RequestFactory().generic(method, "/", headers={key.replace("_", "-"): v for key, v in headers.items()})
    return served.file_response(request, name, download_as=download_as)


def test_a_file_may_be_kept_for_ever_by_its_owner_alone() -> None:
    response = get()
    assert response.content == CONTENT
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response.headers["ETag"].startswith('"')


def test_nothing_in_a_file_can_run() -> None:
    headers = get().headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == "inline"


def test_a_type_off_the_list_is_only_saved() -> None:
    stored.save("tests/page.html", b"<script>")
    headers = get("tests/page.html").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="page.html"'


def test_a_name_to_save_under_cannot_break_the_header() -> None:
    assert get(download_as='a"\r\nX: y.png').headers["Content-Disposition"] == 'attachment; filename="a___X_ y.png"'


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_who_has_it_already_is_told_so(form: str) -> None:
    again = get(If_None_Match=form.format(get().headers["ETag"]))
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    ("wanted", "part", "where"),
    [
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/1024"),
        ("bytes=1000-", CONTENT[1000:], "bytes 1000-1023/1024"),
        ("bytes=-4", CONTENT[-4:], "bytes 1020-1023/1024"),
        ("bytes=1020-9999", CONTENT[1020:], "bytes 1020-1023/1024"),
        ("bytes=-9999", CONTENT, "bytes 0-1023/1024"),
    ],
)
def test_a_part_can_be_asked_for(wanted: str, part: bytes, where: str) -> None:
    response = get(Range=wanted)
    assert (response.status_code, response.content) == (206, part)
    assert response.headers["Content-Range"] == where


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=5-2", "bytes=-0"])
def test_a_part_that_is_not_there(wanted: str) -> None:
    response = get(Range=wanted)
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-9", "lines=1-2", "bytes=a-b", ""])
def test_other_ranges_get_the_whole(wanted: str) -> None:
    response = get(Range=wanted)
    assert (response.status_code, response.content) == (200, CONTENT)


def test_a_range_of_an_older_version_gets_the_whole() -> None:
    assert get(Range="bytes=0-1", If_Range='"older"').status_code == 200


def test_a_part_is_never_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "LONGEST_PART", 100)
    assert get(Range="bytes=10-").headers["Content-Range"] == "bytes 10-109/1024"


def test_head_tells_the_length_alone() -> None:
    response = get(method="HEAD")
    assert response.headers["Content-Length"] == "1024"
    assert response.content == b""


def test_a_file_that_is_gone_is_not_found(folder: Path) -> None:
    (folder / NAME).unlink()
    with pytest.raises(Http404):
        get()


def test_nothing_compresses_it_again() -> None:
    from django.middleware.gzip import GZipMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        return served.file_response(request, NAME)

    inner: Any = GZipMiddleware(view)
    response = every_response(inner)(RequestFactory().get("/", headers={"accept-encoding": "gzip"}))
    assert "Content-Encoding" not in response.headers
    assert not response.headers["ETag"].startswith("W/")
