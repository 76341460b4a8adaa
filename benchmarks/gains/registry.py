"""The scenarios by name, in the order in which they run; a module is imported when one of its scenarios is asked for.

A module has a tuple `SCENARIOS`, with one of each name that stands here for it.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.gains.scenario import Scenario

MODULES: dict[str, tuple[str, ...]] = {
    "benchmarks.gains.debugging": ("debug-page", "debug-answer"),
    "benchmarks.gains.chats": ("cache-chat", "stream", "tokens-500", "tokens-100", "local", "single-flight"),
    "benchmarks.gains.encodings": ("gzip-bytes", "brotli-bytes", "gzip-time", "brotli-time"),
    "benchmarks.gains.json_speed": ("orjson-write", "orjson-read"),
    "benchmarks.gains.processes": ("lazy-import", "pool", "workers", "workers-guide"),
    "benchmarks.gains.long_chats": ("long-page-100", "long-page-1000", "long-start-100", "long-start-1000"),
    "benchmarks.gains.image": ("docker-image",),
    "benchmarks.gains.searching": ("search-cached",),
    "benchmarks.gains.drawing": ("image-cached",),
    "benchmarks.gains.speaking": ("voice-said", "voice-heard"),
    "benchmarks.gains.engines": ("batch", "warm-model", "quantisation"),
}
NAMES = {name: module for module, names in MODULES.items() for name in names}


class Unknown(ValueError):
    """A name that no scenario has."""


def scenario(name: str) -> Scenario:
    """The scenario of this name."""
    if name not in NAMES:
        raise Unknown(f"There is no scenario {name!r}; `nitro bench --list` shows all of them.")
    module = import_module(NAMES[name])
    found: Scenario = next(one for one in module.SCENARIOS if one.name == name)
    return found
