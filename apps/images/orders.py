"""What somebody orders: the values that make a picture, checked against what can be drawn."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace

from apps.core.errors import Invalid

LONGEST_PROMPT = 4_000
MOST_PICTURES = 8
MOST_STEPS = 150
LARGEST_SEED = 2**32 - 1
MULTIPLE = 8
SMALLEST_SIDE = 64
STANDARD_SIDE = 768


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine can do. `sizes`, where there are any, are the only ones; `room` is how many jobs it takes at once,
    and `abreast` how many pictures of one job."""

    largest_side: int = 2048
    sizes: tuple[tuple[int, int], ...] = ()
    room: int = 1
    abreast: int = 1
    takes_negative: bool = True
    takes_steps: bool = True

    @property
    def standard(self) -> tuple[int, int]:
        """The size where nobody chose one."""
        return self.sizes[0] if self.sizes else (STANDARD_SIDE, STANDARD_SIDE)


@dataclass(frozen=True, slots=True)
class Order:
    """One or several pictures of the same description. Without a seed each order is another one."""

    prompt: str
    negative_prompt: str = ""
    width: int = 768
    height: int = 768
    steps: int = 20
    guidance: float = 7.0
    seed: int | None = None
    count: int = 1

    def checked(self, limits: Limits) -> Order:
        """The order, with its texts trimmed. Raises `Invalid` with one sentence for what cannot be drawn."""
        prompt = _text("prompt", self.prompt)
        if not prompt:
            raise Invalid("Say what the picture shall show.", code="empty_prompt")
        _size(self.width, self.height, limits)
        _within("steps", self.steps, 1, MOST_STEPS)
        _within("n", self.count, 1, MOST_PICTURES)
        if self.seed is not None:
            _within("seed", self.seed, 0, LARGEST_SEED)
        if not (math.isfinite(self.guidance) and 0 <= self.guidance <= 30):
            raise Invalid("guidance must be a number from 0 to 30.")
        return replace(self, prompt=prompt, negative_prompt=_text("negative_prompt", self.negative_prompt))

    def fingerprint(self, *, engine: str, model: str) -> str:
        """The same for orders that give the same pictures. Call it when the seed is known."""
        facts = [
            engine, model, self.prompt, self.negative_prompt, self.width, self.height, self.steps,
            float(self.guidance), self.seed, self.count,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _text(name: str, value: str) -> str:
    if "\0" in value:
        raise Invalid(f"{name} must not contain the character NUL.")
    text = value.encode("utf-8", "replace").decode().strip()
    if len(text) > LONGEST_PROMPT:
        raise Invalid(f"{name} has {len(text)} characters; at most {LONGEST_PROMPT} are taken.", code="too_long")
    return text


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid(f"{name} must be a whole number from {low} to {high}.")


def _size(width: int, height: int, limits: Limits) -> None:
    if limits.sizes:
        if (width, height) not in limits.sizes:
            known = ", ".join(f"{one} × {other}" for one, other in limits.sizes)
            raise Invalid(f"This engine draws pictures of {known} only.", code="size")
        return
    for name, side in (("width", width), ("height", height)):
        if side % MULTIPLE or not SMALLEST_SIDE <= side <= limits.largest_side:
            raise Invalid(
                f"{name} must be a multiple of {MULTIPLE} from {SMALLEST_SIDE} to {limits.largest_side}.", code="size"
            )
