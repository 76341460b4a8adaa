"""What the head of a GGUF file tells about its model. Reading is bounded, and nothing is believed unchecked.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
HEAD_LIMIT = 64 * 1024**2  # bytes of all keys and values; large vocabularies take about ten million
KEYS_LIMIT = 4096
TENSORS_LIMIT = 65_536
DIMENSIONS_LIMIT = 8
KEY_LIMIT = 1024
TEXT_LIMIT = 4096
LIST_LIMIT = 1024
WORDS_LIMIT = 2_000_000  # of a vocabulary
STRING, ARRAY = 8, 9
NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
WHOLE = frozenset({0, 1, 2, 3, 4, 5, 7, 10, 11})
UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\uffff]+")
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
EMBEDDERS = ("bert", "nomic-bert", "jina-bert-v2", "gemma-embedding", "t5encoder")
Value = str | int | float | bool | list[int]


class Broken(Exception):
    """The file is no GGUF, or not a whole one; the text says in a few words what is wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    """A model's facts. `parameters` is a count, `context` the tokens it was trained on, `cache` the bytes that a token
    of a conversation takes in memory; each 0 where the file does not tell."""

    architecture: str
    quantisation: str = ""
    parameters: int = 0
    context: int = 0
    cache: int = 0
    talks: bool = True
    embeds: bool = False


def read_head(path: Path) -> Head:
    """Read the head of a file. Takes up to half a second for a large vocabulary. Raises `Broken` and `OSError`."""
    with path.open("rb") as file:
        reader = _Reader(file, min(HEAD_LIMIT, os.fstat(file.fileno()).st_size))
        if reader.take(4) != MAGIC:
            raise Broken("it does not begin as a GGUF file does")
        if reader.number("<I") not in VERSIONS:
            raise Broken("its version of the format is unknown")
        tensors, keys = reader.number("<Q"), reader.number("<Q")
        if tensors > TENSORS_LIMIT or keys > KEYS_LIMIT:
            raise Broken("it names more parts than any model has")
        values = reader.values(keys)
        parameters = reader.tensors(tensors)
        reader.check_length(os.fstat(file.fileno()).st_size)
    return _head(values, parameters)


class _Reader:
    """Reads forward within a limit. Every method raises `Broken` at the end of the file or beyond the limit."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._limit, self._at = file, limit, 0
        self._last_tensor = 0

    def take(self, count: int) -> bytes:
        self._advance(count)
        data = self._file.read(count)
        if len(data) != count:
            raise Broken("it ends too early")
        return data

    def skip(self, count: int) -> None:
        self._advance(count)
        if count < 65_536:
            self._file.read(count)
        else:
            self._file.seek(count, os.SEEK_CUR)

    def number(self, form: str) -> int:
        found: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found

    def values(self, count: int) -> dict[str, Value]:
        """The keys that say something about the model; long lists are passed over."""
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._text(KEY_LIMIT)
            value = self._value(self.number("<I"))
            if value is not None:
                found[key] = value
        return found

    def tensors(self, count: int) -> int:
        """How many numbers the tensors hold together."""
        total = 0
        for _ in range(count):
            self._text(KEY_LIMIT)
            dimensions = self.number("<I")
            if dimensions > DIMENSIONS_LIMIT:
                raise Broken("a tensor has too many dimensions")
            size = 1
            for _ in range(dimensions):
                size *= self.number("<Q")
            self.number("<I")
            self._last_tensor = max(self._last_tensor, self.number("<Q"))
            total += size
        return total if total < 10**15 else 0

    def check_length(self, size: int) -> None:
        """The last tensor begins inside of the file: a download that broke off is found out here."""
        if self._at + self._last_tensor >= size:
            raise Broken("it ends too early")

    def _advance(self, count: int) -> None:
        self._at += count
        if self._at > self._limit:
            raise Broken("it ends too early, or its head is larger than any model's")

    def _text(self, limit: int) -> str:
        length = self.number("<Q")
        if length > limit:
            raise Broken("a name in it is too long")
        return self.take(length).decode("utf-8", "replace")

    def _value(self, kind: int) -> Value | None:
        if kind == STRING:
            length = self.number("<Q")
            if length > TEXT_LIMIT:
                self.skip(length)
                return ""
            return UNPRINTABLE.sub(" ", self.take(length).decode("utf-8", "replace")).strip()
        if kind == ARRAY:
            return self._list()
        if kind not in NUMBERS:
            raise Broken("it has a value of an unknown kind")
        value: int | float = struct.unpack(NUMBERS[kind], self.take(struct.calcsize(NUMBERS[kind])))[0]
        return value

    def _list(self) -> list[int] | None:
        """Short lists of whole numbers; None for others, which are passed over. Lists in lists are in no model."""
        kind, length = self.number("<I"), self.number("<Q")
        if length > WORDS_LIMIT:
            raise Broken("it has a list that is too long")
        if kind == STRING:
            for _ in range(length):
                self.skip(self.number("<Q"))
            return None
        if kind not in NUMBERS:
            raise Broken("it has a list of an unknown kind")
        width = struct.calcsize(NUMBERS[kind])
        if length > LIST_LIMIT or kind not in WHOLE:
            self.skip(length * width)
            return None
        return [int(one) for (one,) in struct.iter_unpack(NUMBERS[kind], self.take(length * width))]


def _head(values: dict[str, Value], parameters: int) -> Head:
    architecture = values.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise Broken("it does not name its architecture")
    embeds = architecture in EMBEDDERS or f"{architecture}.pooling_type" in values
    return Head(
        architecture=architecture[:40],
        quantisation=FILE_TYPES.get(_whole(values.get("general.file_type"), none=-1), ""),
        parameters=parameters,
        context=min(_whole(values.get(f"{architecture}.context_length")), 100_000_000),
        cache=_cache(values, architecture),
        talks=not embeds and architecture != "clip" and f"{architecture}.block_count" in values,
        embeds=embeds,
    )


def _cache(values: dict[str, Value], name: str) -> int:
    """The bytes of keys and values, two each, that one token takes over all layers; 0 where it cannot be told."""
    layers = _whole(values.get(f"{name}.block_count"))
    heads = _whole(values.get(f"{name}.attention.head_count"))
    width = _whole(values.get(f"{name}.embedding_length"))
    kept = values.get(f"{name}.attention.head_count_kv", heads)
    in_all_layers = sum(kept) if isinstance(kept, list) else _whole(kept) * layers
    head = width // heads if heads else 0
    key = _whole(values.get(f"{name}.attention.key_length")) or head
    value = _whole(values.get(f"{name}.attention.value_length")) or head
    size = 2 * in_all_layers * (key + value)
    return size if 0 < size < 2**30 else 0


def _whole(value: object, *, none: int = 0) -> int:
    """A whole number that is not negative; the largest one of a list that has one for each layer."""
    if isinstance(value, list):
        value = max(value, default=none)
    return value if type(value) is int and value >= 0 else none
