"""Stands in for the package of this name: the calls that Nitro makes, and answers of the documented shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass
class SynthesisConfig:
    length_scale: float


@dataclass
class Chunk:
    sample_rate: int
    audio_int16_bytes: bytes


class PiperVoice:
    @classmethod
    def load(cls, path: str) -> Self:
        assert Path(path).is_file()
        return cls()

    def synthesize(self, text: str, *, syn_config: SynthesisConfig) -> Iterator[Chunk]:
        if text == "crash":
            raise RuntimeError("cannot")
        for word in text.split():
            yield Chunk(22_050, word.encode().ljust(8)[:8] * round(100 * syn_config.length_scale))
