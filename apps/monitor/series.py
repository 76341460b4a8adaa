"""From counts that only grow to figures of one minute. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.monitor.readings import Distribution, Reading

PAGES = "nitro_http_seconds"
# What the page shows: a name, the histogram behind it, and the guide's target in seconds for 19 of 20.
TIMINGS: Mapping[str, tuple[str, float]] = {
    "first_word": ("nitro_turn_first_token_seconds", 3.0),
    "answer": ("nitro_turn_seconds", 30.0),
    "page": (PAGES, 1.0),
    "image": ("nitro_image_seconds", 60.0),
    "voice": ("nitro_voice_seconds", 5.0),
    "search": ("nitro_search_seconds", 10.0),
}
CACHED = "memory"
# Routes that wait for models and other people's servers; deploy/prometheus/alerts.yml has the same.
NO_PAGES = re.compile(r"(.+:)?(api|v1|openai)-.+|search:begin|probe")


def since(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """What was counted between two looks. A count that fell began anew: Redis was emptied."""
    grown = {name: amount - before.get(name, 0.0) for name, amount in now.items()}
    return {name: (amount if amount >= 0 else now[name]) for name, amount in grown.items() if amount}


def figures(reading: Reading, before: Mapping[str, float]) -> dict[str, Any]:
    """One minute's figures; what nobody did in it is left out."""
    minute = Reading(since(reading.totals, before), reading.live, redis=reading.redis)
    turns = minute.count("nitro_turns_total")
    found: dict[str, Any] = {name: timing(minute, histogram) for name, (histogram, _) in TIMINGS.items()}
    found |= {
        "turns": turns,
        "cached": sum(amount for labels, amount in minute.series("nitro_turns_total") if labels[0] == CACHED),
        "failed": sum(amount for labels, amount in minute.series("nitro_turns_total") if labels[1] == "failed"),
        "tokens_per_second": tokens_per_second(minute),
        "sockets": reading.gauge("nitro_open_sockets"),
        "memory_mb": round(sum(float(process["memory_bytes"]) for process in reading.live) / 1024**2),
        "cpu": max((float(process["cpu_percent"]) for process in reading.live), default=0.0),
    }
    return {name: value for name, value in found.items() if value is not None}


def timing(reading: Reading, histogram: str) -> dict[str, float] | None:
    """How long something took, or None where nobody did it."""
    found = together(reading, histogram)
    if not found.count:
        return None
    return {"n": found.count, "p50": round(found.quantile(0.5) or 0.0, 4), "p95": round(found.quantile(0.95) or 0.0, 4)}


def together(reading: Reading, histogram: str) -> Distribution:
    """All of a histogram's labels as one distribution; of routes those that are pages."""
    counts: dict[str, float] = {}
    total = 0.0
    for labels, found in reading.distributions(histogram).items():
        if histogram == PAGES and NO_PAGES.fullmatch(labels[0]):
            continue
        total += found.total
        for bound, amount in found.counts.items():
            counts[bound] = counts.get(bound, 0.0) + amount
    return Distribution(counts, total)


def tokens_per_second(reading: Reading) -> float | None:
    """How fast models write once they have begun, one answer by itself; None where none has written."""
    written = reading.count("nitro_tokens_total", "completion")
    whole, first = (writing(reading, name) for name in ("nitro_turn_seconds", "nitro_turn_first_token_seconds"))
    return round(written / (whole - first), 2) if written and whole > first else None


def writing(reading: Reading, histogram: str) -> float:
    """All seconds of a histogram of answers, without those that were known already."""
    return sum(found.total for labels, found in reading.distributions(histogram).items() if labels[0] != CACHED)


def slowest_routes(reading: Reading, at_most: int = 8) -> list[dict[str, Any]]:
    """The routes that keep people waiting longest, by their 95th percentile."""
    found = [
        {"route": labels[0], "n": int(one.count), "p50": one.quantile(0.5), "p95": one.quantile(0.95)}
        for labels, one in reading.distributions(PAGES).items()
        if one.count
    ]
    return sorted(found, key=lambda one: one["p95"] or 0.0, reverse=True)[:at_most]
