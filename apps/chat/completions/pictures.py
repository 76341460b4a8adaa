"""Pictures that a request of OpenAI's form names by their address, read through the one door for such addresses."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.chat.completions.errors import Unacceptable
from apps.chat.completions.parts import IMAGE_BYTES, IMAGES_LIMIT
from apps.core import outside
from apps.core.outside import Bounds, OutsideError

WEB = re.compile(r"https?://", re.IGNORECASE)
TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
TOGETHER = 28 * 1024 * 1024  # bytes of all of them, as much as a body may have
SECONDS, REDIRECTS = 8.0, 3


@dataclass(frozen=True, slots=True)
class Named:
    """An address in a request: `holder[name]`, and where that is as OpenAI's errors say it."""

    holder: dict[str, Any]
    name: str
    where: str

    async def fetch(self, bounds: Bounds) -> None:
        """Put the picture itself into the request. Raises `Unacceptable`."""
        try:
            answer = await outside.fetch(self.holder[self.name], bounds)
        except OutsideError as error:
            raise Unacceptable(self.where, error.message, code="invalid_image_url", hint=error.hint) from error
        data = base64.b64encode(answer.body).decode("ascii")
        self.holder[self.name] = f"data:{answer.media_type};base64,{data}"


async def pictures_fetch(body: object) -> None:
    """From here on all pictures stand in the request. Raises `Unacceptable`; a request without any costs a glance."""
    found = list(_named(body))
    if len(found) > IMAGES_LIMIT:
        raise Unacceptable("messages", f"At most {IMAGES_LIMIT} pictures are possible at once.")
    if found:
        size = min(IMAGE_BYTES, TOGETHER // len(found))
        bounds = Bounds(seconds=SECONDS, size=size, redirects=REDIRECTS, types=TYPES)
        await asyncio.gather(*(one.fetch(bounds) for one in found))


def _named(body: object) -> Iterator[Named]:
    messages = body.get("messages") if isinstance(body, dict) else None
    for place, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for at, part in enumerate(content if isinstance(content, list) else ()):
            holder, name = (part, "image_url") if isinstance(part, dict) else ({}, "")
            if isinstance(holder.get(name), dict):
                holder, name = holder[name], "url"
            if isinstance(holder.get(name), str) and WEB.match(holder[name]):
                yield Named(holder, name, f"messages[{place}].content[{at}].image_url")
