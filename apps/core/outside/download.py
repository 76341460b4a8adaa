"""Large files through the same door: over https alone, from where the last attempt broke off."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from apps.core.outside.addresses import address_read
from apps.core.outside.door import PIECE, REDIRECTS, failure_of_driver, one_session, onward
from apps.core.outside.errors import AddressRefused, BadAnswer, OutsideError, TooSlow, Unreachable

ANSWER_SECONDS = 30.0
SILENCE_SECONDS = 60.0
MOST_REDIRECTS = 5
HTTPS = frozenset({"https"})
BROKE, AGAIN = "The connection broke before the file was whole.", "Try again; it goes on from here."
RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: what comes begins at byte `start` of `total`. `tag` names this version of the file."""

    start: int
    total: int
    tag: str
    response: aiohttp.ClientResponse

    async def pieces(self) -> AsyncIterator[bytes]:
        """The rest of the file, never more than was announced. Raises an `OutsideError`, also where less comes."""
        left = self.total - self.start
        try:
            while left:
                async with asyncio.timeout(SILENCE_SECONDS):
                    piece = await self.response.content.read(PIECE)
                if not piece:
                    raise Unreachable(BROKE, hint=AGAIN)
                left -= len(piece)
                if left < 0:
                    raise BadAnswer("That address sends more than it said.")
                yield piece
        except TimeoutError as error:
            raise TooSlow("That address has fallen silent.", hint=AGAIN) from error
        except (aiohttp.ClientPayloadError, ConnectionError) as error:
            raise Unreachable(BROKE, hint=AGAIN) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failure_of_driver(error) from error


@asynccontextmanager
async def download(
    url: str, *, start: int = 0, tag: str = "", schemes: frozenset[str] = HTTPS
) -> AsyncIterator[Download]:
    """Open a file from byte `start` on, where it is still the version of `tag`; else from its beginning.

    `schemes` counts for redirects, too. Raises an `OutsideError`.
    """
    address = address_read(url)
    async with one_session() as session:
        for _ in range(MOST_REDIRECTS + 1):
            if address.scheme not in schemes:
                raise AddressRefused("Files are fetched over https alone.")
            response = await _asked(session, address.url, start, tag)
            async with response:
                if response.status in REDIRECTS:
                    address = onward(response, address)
                elif response.status == 416 and start:
                    start = 0  # the file is shorter than what we have of it
                else:
                    yield _opened(response, start)
                    return
    raise BadAnswer("That address sends on to another one again and again.")


async def _asked(session: aiohttp.ClientSession, url: str, start: int, tag: str) -> aiohttp.ClientResponse:
    headers = {"Accept-Encoding": "identity"}
    if start and tag:
        headers |= {"Range": f"bytes={start}-", "If-Range": tag}
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await session.get(url, headers=headers, allow_redirects=False)
    except TimeoutError as error:
        raise TooSlow("That address does not answer.") from error
    except OutsideError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise failure_of_driver(error) from error


def _opened(response: aiohttp.ClientResponse, start: int) -> Download:
    """What is about to come, as far as the answer's head can be believed."""
    if response.status not in {200, 206}:
        raise BadAnswer(f"That address answered with status {response.status}.", answered=response.status)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadAnswer("That file is packed in a way that was not asked for.")
    tag = response.headers.get("ETag", "")
    tag = tag if tag.startswith('"') and tag.isprintable() and len(tag) <= 200 else ""  # weak ones promise nothing
    if response.status == 200:
        if response.content_length is None:
            raise BadAnswer("That address does not say how large its file is.")
        return Download(0, response.content_length, tag, response)
    told = RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if told is None or int(told[1]) != start or int(told[2]) < start:
        raise BadAnswer("That address answers with another part than was asked for.")
    return Download(start, int(told[2]), tag, response)
