"""Whether a model suits this machine: values in, a class and a sentence out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.core.machine import Machine, in_words
from apps.llm import guide

Level = Literal["comfortable", "tight", "too_large", "elsewhere", "unknown"]
COMFORTABLE = 0.8  # of what is free
MOST = 0.92  # of what there is


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model fits into this machine; `memory` is what it takes while it runs, in bytes, 0 where unknown."""

    level: Level
    sentence: str
    memory: int = 0


ELSEWHERE = Fit("elsewhere", "Runs on another machine.")
UNKNOWN = Fit("unknown", "Its server does not tell how large it is.")


def fit(machine: Machine, *, size: int, context: int = 0, loaded: bool = False) -> Fit:
    """Compare what a model wants with the memory there is, that of graphics cards included."""
    memory = guide.needed(size, context)
    if not memory:
        return UNKNOWN
    wants = f"about {in_words(memory)} of memory"
    if loaded:
        return Fit("comfortable", f"Is loaded; it takes {wants}.", memory)
    if memory <= COMFORTABLE * max(machine.available, machine.gpu_memory):
        return Fit("comfortable", f"Fits comfortably: it takes {wants}.", memory)
    if memory <= MOST * max(machine.memory, machine.gpu_memory):
        free = in_words(machine.available)
        return Fit("tight", f"Tight: it takes {wants}, and {free} are free now. Close other programs first.", memory)
    return Fit("too_large", f"Too large: it takes {wants}, and this machine has {in_words(machine.memory)}.", memory)
