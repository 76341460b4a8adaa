"""What is known beforehand: models worth a try, as which machines can run them, and three profiles of machines.

Pure data with a few questions to it. Sizes are those of Ollama's library; speed and quality are classes, since figures
belong to a machine: `nitro bench` measures yours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Speed = Literal["fast", "medium", "slow"]
Quality = Literal["simple", "good", "very good"]
GB = 10**9
GIB = 2**30
SYSTEM = 1.6 * GB  # what the system and Nitro itself want beside a model
OVERHEAD = 0.15 * GB  # buffers of a running model beside its weights
UNKNOWN_CONTEXT = 0.15  # of the weights, for the context of a model whose shape nobody told
SAME = 0.9  # of the size; the same model in another packing differs a little
SMALLEST_CONTEXT_MEMORY = 0.25 * GB


@dataclass(frozen=True, slots=True)
class Build:
    """A model at one quantisation: `name` is what Ollama pulls, `size` its bytes on disk."""

    quantisation: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the guide. `context` is what one conversation of 4096 tokens takes in memory, in bytes."""

    family: str
    parameters: str
    speed: Speed
    quality: Quality
    use: str
    builds: tuple[Build, ...] = ()
    context: int = 0

    def build(self, quantisation: str) -> Build:
        """The build of a quantisation; raises `KeyError`."""
        return {build.quantisation: build for build in self.builds}[quantisation]


GUIDE = (
    Model(
        "phi3",
        "3.8B",
        "medium",
        "good",
        "Reasoning, sums and code on little memory; its long context is dear.",
        (
            Build("q4_0", "phi3", 2_180_000_000),
            Build("q8_0", "phi3:3.8b-mini-4k-instruct-q8_0", 4_060_000_000),
        ),
        context=1_610_000_000,
    ),
    Model(
        "llama3.2",
        "3.2B",
        "fast",
        "good",
        "Everyday questions, summaries and translations on a laptop.",
        (
            Build("q4_0", "llama3.2:3b-instruct-q4_0", 1_920_000_000),
            Build("q8_0", "llama3.2:3b-instruct-q8_0", 3_420_000_000),
        ),
        context=470_000_000,
    ),
    Model(
        "llama3",
        "8B",
        "slow",
        "very good",
        "Longer texts, careful answers and code, where there are cores or a graphics card.",
        (
            Build("q4_0", "llama3:8b-instruct-q4_0", 4_660_000_000),
            Build("q8_0", "llama3:8b-instruct-q8_0", 8_540_000_000),
        ),
        context=540_000_000,
    ),
    Model(
        "gemini-flash",
        "",
        "fast",
        "very good",
        "Where this machine is too small and questions may leave it; needs a key.",
    ),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of machine and what suits it. `memory` in bytes."""

    name: str
    memory: int
    cores: int
    family: str
    quantisation: str
    workers: int
    max_tokens: int
    reason: str

    @property
    def model(self) -> Model:
        """The model of the guide that this profile takes."""
        return by_family(self.family)

    @property
    def build(self) -> Build:
        return self.model.build(self.quantisation)


PROFILES = (
    Profile(
        "laptop",
        4 * GIB,
        4,
        "llama3.2",
        "q4_0",
        workers=1,
        max_tokens=500,
        reason="llama3.2 at 4 bits is the best that leaves room for other programs in 4 GB.",
    ),
    Profile(
        "server",
        8 * GIB,
        8,
        "llama3",
        "q4_0",
        workers=2,
        max_tokens=1000,
        reason="llama3 at 4 bits fits into 8 GB, and eight cores make it fast enough to read along.",
    ),
    Profile(
        "cloud",
        16 * GIB,
        16,
        "llama3",
        "q8_0",
        workers=4,
        max_tokens=2000,
        reason="llama3 at 8 bits is as good as the full model, and 16 GB hold it with room for long chats.",
    ),
)


def by_family(family: str) -> Model:
    """A model of the guide; raises `KeyError`."""
    return {model.family: model for model in GUIDE}[family]


def of_name(name: str) -> Model | None:
    """The model of the guide that a server's name for it stands for: `llama3.2:1b` is llama3.2."""
    base = name.rpartition("/")[2].partition(":")[0].lower()
    if base.startswith("gemini") and "flash" in base:
        return by_family("gemini-flash")
    return {model.family: model for model in GUIDE}.get(base)


def context_of(name: str, size: int) -> int:
    """The bytes of one conversation with a model of this name and size on disk, 0 where the guide does not know it.

    A smaller sibling of the guide's model (`llama3.2:1b`) is not taken for it.
    """
    known = of_name(name)
    return known.context if known and known.builds and size >= SAME * known.builds[0].size else 0


def profile_by_name(name: str) -> Profile:
    """A profile; raises `KeyError`."""
    return {profile.name: profile for profile in PROFILES}[name]


def needed(size: int, context: int = 0) -> int:
    """The bytes that a model of this size on disk takes while it runs; `context` where it is known."""
    if not size:
        return 0
    return round(size + OVERHEAD + (context or max(SMALLEST_CONTEXT_MEMORY, UNKNOWN_CONTEXT * size)))
