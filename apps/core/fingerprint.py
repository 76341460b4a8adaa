"""Which machine figures were taken on, so that nobody compares two of them without knowing."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from typing import Any

from apps.core.machine import in_words, machine


def this_machine() -> dict[str, Any]:
    """What the figures were taken on. Machines of equal fingerprints may be compared."""
    seen = machine()
    facts: dict[str, Any] = {
        "processor": processor(),
        "cores": seen.cores,
        "memory": seen.memory,
        "memory_in_words": in_words(seen.memory),
        "gpus": [gpu.name for gpu in seen.gpus],
        "system": platform.system(),
        "release": platform.release(),
        "python": platform.python_version(),
    }
    return facts | {"fingerprint": fingerprint(facts)}


def fingerprint(facts: dict[str, Any]) -> str:
    """Twelve letters for what decides about speed: not the name of the machine, and not its versions of software."""
    decisive: Iterable[object] = (
        facts["processor"],
        facts["cores"],
        round(facts["memory"] / 2**30),
        facts["gpus"],
        facts["system"],
    )
    return hashlib.sha256(repr(list(decisive)).encode()).hexdigest()[:12]


def processor(path: str = "/proc/cpuinfo") -> str:
    """The processor's name as it calls itself."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            named = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0] if named else platform.processor() or platform.machine()
