"""Makes files in the GGUF format, whole and broken ones, without any tensor's numbers in them."""

from __future__ import annotations

import struct
from pathlib import Path

STRING, ARRAY, U32, F32 = 8, 9, 4, 6
LLAMA: dict[str, object] = {
    "general.architecture": "llama",
    "general.file_type": 15,
    "llama.block_count": 28,
    "llama.context_length": 131_072,
    "llama.embedding_length": 3072,
    "llama.attention.head_count": 24,
    "llama.attention.head_count_kv": 8,
}


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(given: object) -> bytes:
    """A value with its kind before it: text, whole number, fraction, list of texts or of numbers."""
    if isinstance(given, bytes):
        return given
    if isinstance(given, str):
        return struct.pack("<I", STRING) + text(given)
    if isinstance(given, float):
        return struct.pack("<If", F32, given)
    if isinstance(given, list):
        kind = STRING if given and isinstance(given[0], str) else U32
        items = b"".join(text(one) if isinstance(one, str) else struct.pack("<I", one) for one in given)
        return struct.pack("<IIQ", ARRAY, kind, len(given)) + items
    assert isinstance(given, int)
    return struct.pack("<II", U32, given)


def tensor(name: str, *dimensions: int, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<{len(dimensions)}Q", *dimensions)
    return text(name) + struct.pack("<I", len(dimensions)) + sizes + struct.pack("<IQ", 0, offset)


def gguf(
    values: dict[str, object] | None = None,
    tensors: tuple[bytes, ...] = (),
    *,
    version: int = 3,
    keys: int | None = None,
    parts: int | None = None,
    body: bytes = b"numbers",
) -> bytes:
    """The bytes of a file; `keys` and `parts` lie about how many there are."""
    given = LLAMA if values is None else values
    found = len(tensors) if parts is None else parts
    head = b"GGUF" + struct.pack("<IQQ", version, found, len(given) if keys is None else keys)
    return head + b"".join(text(key) + value(one) for key, one in given.items()) + b"".join(tensors) + body


def put(home: Path, name: str, content: bytes | None = None) -> Path:
    """A file in the folder of models."""
    path = home / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf() if content is None else content)
    return path
