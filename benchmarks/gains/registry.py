"""The scenarios by name, in the order in which they run; a module is imported when one of its scenarios is asked for.

A module has a tuple `SCENARIOS`, with one of each name that stands here for it.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.gains.scenario import Scenario

MODULES: dict[str, tuple[str, ...]] = {
    "benchmarks.gains.json_speed": ("orjson-write", "orjson-read"),
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
