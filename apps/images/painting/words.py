"""What the painter understands of a description: a time of day, what there is to see, and colours."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

HOURS = {
    "sunset": "sunset dusk evening golden glowing ember autumn fall warm romantic",
    "dawn": "dawn sunrise morning spring pastel gentle soft dreamy mist misty fog foggy",
    "night": "night midnight moon moonlight moonlit star stars starry galaxy dark neon aurora cosmos universe space",
    "storm": "storm stormy rain rainy thunder dramatic grey gray gloomy tempest cloudy moody",
    "day": "day noon summer sunny bright blue sky clear afternoon holiday cheerful",
}
THINGS = {
    "mountains": "mountain mountains alps peak peaks summit ridge cliff cliffs rocky volcano canyon himalaya",
    "snow": "snow snowy winter ice icy glacier frozen arctic",
    "sea": "sea ocean beach coast water waves wave lake river bay harbour harbor shore island lagoon boat ship",
    "forest": "forest woods wood tree trees pine pines jungle grove wilderness fir spruce",
    "city": "city skyline town street building buildings skyscraper skyscrapers metropolis urban towers cyberpunk",
    "hills": "hill hills meadow valley countryside village farm landscape house cottage green grass field fields",
    "desert": "desert dune dunes sand sahara camel pyramid pyramids mars",
    "flowers": "flower flowers tulip tulips rose roses poppy poppies lavender garden blossom blossoms sunflower daisy",
    "moon": "moon moonlight moonlit crescent lunar",
    "stars": "star stars starry galaxy cosmos universe space milky nebula",
    "aurora": "aurora borealis northern polar",
    "clouds": "cloud clouds cloudy storm stormy rain sky fluffy",
    "birds": "bird birds gull gulls seagull eagle swallow swallows flock",
    "abstract": "abstract pattern patterns fractal swirl swirls geometry geometric psychedelic texture marble fluid "
    "ink dream music emotion energy chaos cubist wallpaper mosaic spiral painting art",
}
COLOURS = {
    "red": (0.80, 0.16, 0.16),
    "crimson": (0.70, 0.08, 0.20),
    "orange": (0.95, 0.50, 0.14),
    "gold": (0.90, 0.69, 0.24),
    "golden": (0.90, 0.69, 0.24),
    "yellow": (0.97, 0.83, 0.30),
    "green": (0.22, 0.55, 0.30),
    "emerald": (0.05, 0.48, 0.36),
    "teal": (0.07, 0.50, 0.52),
    "turquoise": (0.20, 0.72, 0.70),
    "cyan": (0.20, 0.75, 0.85),
    "blue": (0.16, 0.36, 0.72),
    "indigo": (0.24, 0.20, 0.58),
    "purple": (0.45, 0.22, 0.62),
    "violet": (0.52, 0.28, 0.72),
    "lavender": (0.66, 0.58, 0.84),
    "magenta": (0.78, 0.18, 0.55),
    "pink": (0.94, 0.56, 0.68),
    "brown": (0.45, 0.30, 0.18),
    "black": (0.06, 0.06, 0.08),
    "white": (0.95, 0.95, 0.93),
    "silver": (0.72, 0.75, 0.78),
}
LANDS = ("mountains", "forest", "city", "hills", "desert")
WORD = re.compile(r"[^\W\d_]+")
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """A description as the painter takes it; `number` depends on every word of it and on the seed."""

    hour: str
    things: frozenset[str]
    colours: tuple[Colour, ...]
    number: int

    def has(self, thing: str) -> bool:
        return thing in self.things


def read(prompt: str, negative: str, seed: int) -> Reading:
    """Understand a description. What the second one names does not come into the picture."""
    words = WORD.findall(prompt.lower())
    unwanted = set(WORD.findall(negative.lower()))
    wanted = [word for word in words if word not in unwanted]
    digest = hashlib.sha256(f"{' '.join(words)}|{' '.join(sorted(unwanted))}|{seed}".encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    things = {thing for thing, names in THINGS.items() if not set(names.split()).isdisjoint(wanted)}
    things -= unwanted
    if not things & {*LANDS, "sea", "abstract"}:
        things |= _something(number)
    colours = tuple(COLOURS[word] for word in wanted if word in COLOURS)
    return Reading(_hour(wanted, number), frozenset(things), colours, number)


def _hour(words: list[str], number: int) -> str:
    for hour, names in HOURS.items():
        if not set(names.split()).isdisjoint(words):
            return hour
    return ("sunset", "dawn", "day", "night")[number % 4]


def _something(number: int) -> set[str]:
    """What to see where the description names nothing that the painter knows."""
    choices = ({"mountains"}, {"mountains", "sea"}, {"hills"}, {"sea"}, {"forest", "mountains"}, {"abstract"})
    return choices[(number >> 8) % len(choices)]
