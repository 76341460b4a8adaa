"""Stands in for the package of this name: the calls that Nitro makes, and answers of the documented shapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Word:
    word: str
    start: float
    end: float


@dataclass
class Segment:
    start: float
    end: float
    text: str
    words: list[Word]


@dataclass
class Info:
    language: str


class WhisperModel:
    def __init__(self, path: str, *, device: str, compute_type: str, local_files_only: bool) -> None:
        assert local_files_only
        self.says = (Path(path) / "model.bin").read_text()

    def transcribe(self, sound: Any, *, language: str | None, word_timestamps: bool, vad_filter: bool) -> Any:
        if self.says == "broken":
            raise RuntimeError("cannot")
        words = [Word(f" {word}", 0.1 * place, 0.1 * place + 0.1) for place, word in enumerate(self.says.split())]
        return iter([Segment(0.0, len(sound) / 16_000, f" {self.says}", words)]), Info(language or "en")
