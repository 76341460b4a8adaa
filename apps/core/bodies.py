"""The way into the API: JSON bodies that the rest of Nitro can live with."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import BaseParser

from apps.core.errors import Invalid

DEPTH = 64
LARGEST = 2**63


class SoundJSONParser(BaseParser):
    """JSON that the rest of Nitro can live with, or a 400 that says why not; 413 above `limit` bytes.

    Refused beside broken JSON: NaN and infinities, lone surrogates, NUL (PostgreSQL cannot keep it), numbers
    beyond 64 bits and nesting deeper than 64.
    """

    media_type = "application/json"
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(self.limit + 1)
        if len(body) > self.limit:
            raise RequestDataTooBig
        return sound_json(body)


def sound_json(body: bytes) -> Any:
    """The value of a JSON text. Raises `Invalid` for what Nitro cannot live with."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"This is not JSON: {error}.") from error
    level = [value]
    for _ in range(DEPTH):
        level = [inner for item in level for inner in members(item)]
        if not level:
            return value
    raise Invalid(f"This JSON is nested deeper than {DEPTH} levels.")


def members(item: Any) -> list[Any]:
    """What is inside of a JSON value; raises `Invalid` for a value that cannot be kept."""
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    if isinstance(item, str) and "\0" in item:
        raise Invalid("Text must not contain the character NUL.", hint="Remove \\u0000 from it.")
    if isinstance(item, int | float) and abs(item) >= LARGEST:
        raise Invalid("A number in this JSON is too large.", hint="Numbers here fit into 64 bits.")
    return item if isinstance(item, list) else []
