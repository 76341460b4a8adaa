"""Colours of the hours: skies from top to horizon, light, haze, and what the land turns into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.images.painting.words import Colour, Reading

Colours = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Palette:
    """`sky` from the top to the horizon; `light` of sun or moon; `haze` over what is far; `near` and `far` land."""

    sky: tuple[Colour, ...]
    light: Colour
    haze: Colour
    near: Colour
    far: Colour
    water: Colour


HOURS: dict[str, tuple[Palette, ...]] = {
    "sunset": (
        Palette(
            sky=((0.13, 0.14, 0.35), (0.44, 0.22, 0.46), (0.86, 0.38, 0.36), (0.98, 0.66, 0.36), (1.0, 0.87, 0.58)),
            light=(1.0, 0.90, 0.66),
            haze=(0.95, 0.56, 0.40),
            near=(0.09, 0.06, 0.13),
            far=(0.52, 0.28, 0.40),
            water=(0.38, 0.22, 0.38),
        ),
        Palette(
            sky=((0.20, 0.26, 0.45), (0.52, 0.42, 0.56), (0.93, 0.58, 0.47), (1.0, 0.78, 0.52), (1.0, 0.92, 0.72)),
            light=(1.0, 0.93, 0.74),
            haze=(0.97, 0.72, 0.54),
            near=(0.16, 0.10, 0.14),
            far=(0.62, 0.40, 0.42),
            water=(0.45, 0.34, 0.46),
        ),
    ),
    "dawn": (
        Palette(
            sky=((0.42, 0.55, 0.76), (0.66, 0.70, 0.84), (0.90, 0.78, 0.80), (0.99, 0.86, 0.77), (1.0, 0.94, 0.84)),
            light=(1.0, 0.95, 0.84),
            haze=(0.93, 0.86, 0.86),
            near=(0.20, 0.27, 0.32),
            far=(0.62, 0.64, 0.74),
            water=(0.56, 0.64, 0.76),
        ),
    ),
    "night": (
        Palette(
            sky=((0.02, 0.03, 0.10), (0.04, 0.07, 0.20), (0.07, 0.14, 0.32), (0.14, 0.25, 0.44), (0.26, 0.38, 0.55)),
            light=(0.93, 0.95, 0.88),
            haze=(0.20, 0.30, 0.46),
            near=(0.01, 0.02, 0.05),
            far=(0.11, 0.17, 0.30),
            water=(0.04, 0.09, 0.20),
        ),
        Palette(
            sky=((0.05, 0.02, 0.12), (0.12, 0.06, 0.26), (0.22, 0.12, 0.40), (0.36, 0.22, 0.50), (0.52, 0.36, 0.58)),
            light=(0.97, 0.93, 0.86),
            haze=(0.34, 0.24, 0.48),
            near=(0.03, 0.01, 0.06),
            far=(0.20, 0.12, 0.32),
            water=(0.09, 0.06, 0.22),
        ),
    ),
    "storm": (
        Palette(
            sky=((0.15, 0.19, 0.24), (0.26, 0.31, 0.37), (0.42, 0.47, 0.51), (0.60, 0.63, 0.63), (0.80, 0.79, 0.73)),
            light=(0.96, 0.94, 0.85),
            haze=(0.58, 0.62, 0.64),
            near=(0.09, 0.12, 0.13),
            far=(0.38, 0.44, 0.48),
            water=(0.22, 0.30, 0.35),
        ),
    ),
    "day": (
        Palette(
            sky=((0.13, 0.38, 0.72), (0.27, 0.55, 0.84), (0.48, 0.72, 0.91), (0.70, 0.85, 0.95), (0.90, 0.95, 0.96)),
            light=(1.0, 0.98, 0.88),
            haze=(0.76, 0.87, 0.94),
            near=(0.13, 0.30, 0.17),
            far=(0.42, 0.58, 0.66),
            water=(0.10, 0.42, 0.60),
        ),
        Palette(
            sky=((0.24, 0.50, 0.70), (0.40, 0.66, 0.80), (0.62, 0.80, 0.86), (0.82, 0.90, 0.88), (0.97, 0.95, 0.86)),
            light=(1.0, 0.97, 0.82),
            haze=(0.84, 0.90, 0.88),
            near=(0.22, 0.34, 0.16),
            far=(0.50, 0.64, 0.62),
            water=(0.16, 0.50, 0.60),
        ),
    ),
}


def palette(reading: Reading) -> Palette:
    """The colours for a description; colours that it names tint all but the sky of green hills."""
    choices = HOURS[reading.hour]
    base = choices[(reading.number >> 16) % len(choices)]
    if not reading.colours:
        return base
    above = [colour for colour in reading.colours if not colour[1] > max(colour[0], colour[2])]
    tints = [above[place % len(above)] if above else colour for place, colour in enumerate(base.sky)]
    sky = tuple(_mix(colour, tint, 0.42) for colour, tint in zip(base.sky, tints, strict=True))
    first = reading.colours[0]
    return Palette(
        sky=sky,
        light=_mix(base.light, first, 0.15),
        haze=_mix(base.haze, first, 0.40),
        near=_mix(base.near, first, 0.16),
        far=_mix(base.far, first, 0.36),
        water=_mix(base.water, reading.colours[-1], 0.45),
    )


def _mix(one: Colour, other: Colour, part: float) -> Colour:
    red, green, blue = (a * (1 - part) + b * part for a, b in zip(one, other, strict=True))
    return red, green, blue


def gradient(stops: tuple[Colour, ...], places: NDArray[np.float32]) -> Colours:
    """Colours along the stops for places from 0 to 1; the result has one axis more."""
    known = np.linspace(0, 1, len(stops))
    channels = [np.interp(places, known, [stop[channel] for stop in stops]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
