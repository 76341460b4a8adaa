"""What a browser sends about pictures, read into values: an order, filters, a place in the gallery."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils.dateparse import parse_date, parse_datetime

from apps.core.errors import Invalid
from apps.images import registry
from apps.images.orders import Limits, Order
from apps.images.selectors import Filters, Place

SIZES = ((768, 768), (1024, 1024), (768, 512), (512, 768), (1152, 648), (648, 1152), (512, 512))
WHOLE = re.compile(r"-?\d{1,12}")


@dataclass(frozen=True, slots=True)
class Size:
    """One choice of the form."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Form:
    """What the form is filled with at the beginning; `seed` is blank where each order shall be another one."""

    prompt: str
    negative_prompt: str
    size: str
    sizes: tuple[Size, ...]
    steps: int
    guidance: float
    seed: str
    count: int
    limits: Limits


def initial(sent: Mapping[str, str]) -> Form:
    """The form, with the settings that an address names, as for using those of a picture again."""
    limits = registry.engine().limits
    known = limits.sizes or tuple(size for size in SIZES if max(size) <= limits.largest_side)
    size = sent.get("size", "")
    if not re.fullmatch(r"\d{2,5}x\d{2,5}", size):
        size = "x".join(map(str, known[0]))
    values = dict.fromkeys(["x".join(map(str, one)) for one in known] + [size])
    return Form(
        prompt=sent.get("prompt", "")[:4000],
        negative_prompt=sent.get("negative_prompt", "")[:4000],
        size=size,
        sizes=tuple(Size(value, _label(value)) for value in values),
        steps=_whole(sent.get("steps", ""), 20),
        guidance=_number(sent.get("guidance", ""), 7.0),
        seed=sent.get("seed", "") if WHOLE.fullmatch(sent.get("seed", "")) else "",
        count=1,
        limits=limits,
    )


def _label(size: str) -> str:
    width, height = map(int, size.split("x"))
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    return f"{width} × {height}, {shape}"


def order(sent: Mapping[str, str]) -> Order:
    """The order that a form holds; raises `Invalid` for what is no number."""
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", sent.get("size", "768x768"))
    if size is None:
        raise Invalid("The size must look like 768x768.", code="size")
    seed = sent.get("seed", "").strip()
    return Order(
        prompt=sent.get("prompt", ""),
        negative_prompt=sent.get("negative_prompt", ""),
        width=int(size[1]),
        height=int(size[2]),
        steps=_needed("steps", sent.get("steps", "20")),
        guidance=_number(sent.get("guidance", ""), 7.0),
        seed=_needed("seed", seed) if seed else None,
        count=_needed("n", sent.get("n", "1")),
    )


def _needed(name: str, value: str) -> int:
    if not WHOLE.fullmatch(value.strip()):
        raise Invalid(f"{name} must be a whole number.")
    return int(value)


def _whole(value: str, default: int) -> int:
    return int(value) if WHOLE.fullmatch(value) else default


def _number(value: str, default: float) -> float:
    try:
        return float(value)
    except ValueError:
        return default


def filters(sent: Mapping[str, str]) -> Filters:
    """What of the gallery is wanted; what makes no sense is left out."""
    engine = sent.get("engine", "")
    return Filters(
        text=sent.get("q", "").replace("\0", "")[:200],
        engine=engine if engine in registry.BUILDERS else "",
        since=_date(sent.get("since", "")),
        until=_date(sent.get("until", "")),
    )


def _date(value: str) -> date | None:
    try:
        return parse_date(value)
    except ValueError:
        return None


def place(value: str) -> Place | None:
    """A place in the gallery, as `cards.place_of` writes it."""
    moment, _, image = value.partition("~")
    try:
        created = parse_datetime(moment)
        return Place(created, UUID(image)) if created and created.tzinfo else None
    except ValueError:
        return None
