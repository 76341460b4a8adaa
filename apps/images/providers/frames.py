"""What a child that draws says: one line of JSON, and as many bytes after it as its `size` tells."""

from __future__ import annotations

import asyncio
import json
from typing import Any, BinaryIO

LARGEST = 128 * 1024 * 1024
LONGEST_LINE = 64 * 1024


def write(output: BinaryIO, facts: dict[str, Any], content: bytes = b"") -> None:
    """Say one thing."""
    output.write(json.dumps({**facts, "size": len(content)}).encode() + b"\n" + content)
    output.flush()


async def read(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes] | None:
    """Hear the next thing; None at the end. Raises `ValueError` for what is no frame."""
    line = await stream.readline()
    if not line:
        return None
    facts = json.loads(line)
    size = facts.pop("size", 0) if isinstance(facts, dict) else -1
    if not isinstance(size, int) or not 0 <= size <= LARGEST:
        raise ValueError("no frame")
    try:
        return facts, await stream.readexactly(size)
    except asyncio.IncompleteReadError:
        return None
