"""Pages as a browser asks for them: a long conversation, and everything that a first visit loads."""

from __future__ import annotations

import asyncio
import re
import time
from statistics import median
from urllib.parse import urljoin, urlsplit

import aiohttp

from benchmarks.household import Household

REPEATS = 20
LINKED = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="([^"]+)"')
NOT_LOADED = re.compile(r'<link\b[^>]*\brel="(?:canonical|alternate)"[^>]*>')
# What a script imports when it is loaded; `import()` waits until something is used.
IMPORTED = re.compile(r'\bfrom\s+"(\.{0,2}/[^"]+)"|\bimport\s+"([^"]+)"')
IN_STYLE = re.compile(r'@import\s+(?:url\()?"?([^")]+)|url\("?([^")]+)')


async def long_conversation(house: Household, *, messages: int) -> dict[str, float]:
    """Server time and size of the page of a conversation with so many messages."""
    (seat,) = await asyncio.to_thread(house.seats, 1, messages=messages)
    url = f"http://127.0.0.1:{house.port}/c/{seat.conversation}/"
    server, whole, size = [], [], 0
    async with aiohttp.ClientSession(headers={"Cookie": seat.cookie}, auto_decompress=False) as session:
        for _ in range(REPEATS):
            asked = time.perf_counter()
            async with session.get(url) as answer:
                size = len(await answer.read())
                assert answer.status == 200, answer.status
                server.append(float(answer.headers["X-Response-Time"]) * 1000)
            whole.append((time.perf_counter() - asked) * 1000)
    return {
        "server_ms": median(server),
        "server_max_ms": max(server),
        "whole_ms": median(whole),
        "compressed_kb": size / 1000,
    }


async def first_visit(house: Household) -> dict[str, float]:
    """Requests and bytes of the first page with everything that it links and imports, as they travel."""
    (seat,) = await asyncio.to_thread(house.seats, 1)
    start = f"http://127.0.0.1:{house.port}/"
    waiting, seen, compressed, raw = [start], {start}, 0, 0
    headers = {"Cookie": seat.cookie, "Accept-Encoding": "gzip, deflate, br"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while waiting:
            url = waiting.pop()
            async with session.get(url) as answer:
                assert answer.status == 200, (url, answer.status)
                body = await answer.read()
                raw += len(body)
                compressed += int(answer.headers.get("Content-Length", len(body)))
                found = linked(body.decode("utf-8", "replace"), answer.content_type)
            new = {urljoin(url, path) for path in found} - seen
            new = {address for address in new if urlsplit(address).netloc == urlsplit(start).netloc}
            seen |= new
            waiting += new
    return {"compressed_kb": compressed / 1000, "raw_kb": raw / 1000, "requests": float(len(seen))}


def linked(text: str, kind: str) -> set[str]:
    """What a page, a script or a style loads further."""
    if kind == "text/html":
        found: list[tuple[str, ...] | str] = list(LINKED.findall(NOT_LOADED.sub("", text)))
    elif "javascript" in kind:
        found = list(IMPORTED.findall(text))
    else:
        found = list(IN_STYLE.findall(text)) if kind == "text/css" else []
    paths = {path for item in found for path in ([item] if isinstance(item, str) else item)}
    return {path for path in paths if path and not path.startswith(("data:", "blob:", "#"))}
