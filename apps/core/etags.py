"""Marks of what a program has seen, so that it neither fetches it twice nor overwrites what another has changed.

A mark is of the state and not of its bytes: the compressed one, which `apps/core/compression.py` makes weak (`W/`), is
the same. So who reads compressed, as most clients do, can say with If-Match what they have seen.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Changed


def etag_of(data: Any) -> str:
    """A strong ETag of what is sent."""
    return f'"{hashlib.sha256(orjson.dumps(data, default=str)).hexdigest()[:32]}"'


def if_none_match(request: Request, response: Response) -> Response:
    """The response, or 304 without a body where the caller has it already."""
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or response.headers["ETag"] in _marks(known):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": response.headers["ETag"]})
    return response


def if_match(request: Request, etag: str) -> None:
    """Raise `Changed` where the caller has named another state; who names none may change any."""
    named = request.headers.get("If-Match")
    if named is not None and named.strip() != "*" and etag not in _marks(named):
        raise Changed("It was changed since you read it.")


def _marks(header: str) -> set[str]:
    return {mark.removeprefix("W/") for mark in parse_etags(header)}
