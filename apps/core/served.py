"""Sends a private file to whoever the caller has found to be its owner: caching, ranges, and nothing that could run.

The type comes from the name that the server gave, which it took from the content. RFC 9110 (ranges, preconditions).
"""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from apps.core import stored

LONGEST_PART = 8 * 1024 * 1024  # a server may answer with less than was asked for
CACHE_CONTROL = "private, max-age=31536000, immutable"
TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "webm": "audio/webm",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "txt": "text/plain; charset=utf-8",
    "pdf": "application/pdf",
}
SHOWN = frozenset({"png", "jpg", "webp", "gif", "avif", "wav", "mp3", "ogg", "webm", "flac", "m4a", "aac"})
POLICY = "default-src 'none'; sandbox"
RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")


def file_response(request: HttpRequest, name: str, *, etag: str = "", download_as: str = "") -> HttpResponse:
    """The file of this stored name, or the part that was asked for; 304, 206 and 416 as HTTP wants them.

    `etag` is a digest of the content, by default one of the name: a name never gets other content. `download_as` is a
    name to be saved under. Raises `Http404` where the file is gone and `stored.StorageAway`.
    """
    mark = f'"{etag or hashlib.sha256(name.encode()).hexdigest()[:32]}"'
    if mark in _marks(request.headers.get("If-None-Match", "")):
        return _dressed(HttpResponse(status=304), name, mark, download_as)
    try:
        file = stored.open_file(name)
    except FileNotFoundError as error:
        raise Http404("The file is gone.") from error
    with file:
        return _dressed(_body(request, file, _size(file), mark), name, mark, download_as)


def _marks(header: str) -> set[str]:
    return {item.strip().removeprefix("W/") for item in header.split(",")}


def _size(file: BinaryIO) -> int:
    total = file.seek(0, 2)
    file.seek(0)
    return total


def _body(request: HttpRequest, file: BinaryIO, total: int, mark: str) -> HttpResponse:
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", mark) != mark:
        wanted = ""
    found = RANGE.fullmatch(wanted.strip())
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(total)})
    if not found:  # several ranges at once may be ignored, and are
        return HttpResponse(file.read())
    first, last = _bounds(found, total)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{total}"})
    file.seek(first)
    part = file.read(last - first + 1)
    return HttpResponse(part, status=206, headers={"Content-Range": f"bytes {first}-{last}/{total}"})


def _bounds(found: re.Match[str], total: int) -> tuple[int, int]:
    """First and last byte, counted from 0; the first one is beyond the last where nothing of the file is meant."""
    first, last, tail = found.groups()
    if tail is not None:
        return (max(0, total - int(tail)), total - 1) if int(tail) else (1, 0)
    end = min(total - 1, int(last) if last else total - 1)
    return int(first), min(end, int(first) + LONGEST_PART - 1)


def _dressed(response: HttpResponse, name: str, mark: str, download_as: str) -> HttpResponse:
    """The headers that every answer about a private file has."""
    suffix = name.rpartition(".")[2]
    shown = suffix in SHOWN and not download_as
    response.headers["Content-Type"] = TYPES.get(suffix, "application/octet-stream")
    response.headers["Content-Disposition"] = "inline" if shown else _attachment(download_as or name.rpartition("/")[2])
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Content-Encoding"] = "identity"  # else compressed again, with a weak ETag; see the middleware
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = mark
    patch_vary_headers(response, ["Cookie", "Authorization"])
    return response


def _attachment(name: str) -> str:
    return 'attachment; filename="' + re.sub(r"[^A-Za-z0-9._ -]", "_", name)[:120] + '"'
