"""What `nitro doctor` says about the chat: whether answers are kept, and whether there is room for them."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.core import memory
from apps.core.diagnosis import Finding
from apps.core.memory import MemoryAway

KEEPS_EVERYTHING = "noeviction"


def examine() -> list[Finding]:
    """One line about the reply cache. Nothing needs it: without it each question is answered anew."""
    if not settings.CACHE_TTL:
        return [Finding("cache", True, False, "No answers are kept: CACHE_TTL is 0.")]
    try:
        facts: dict[str, Any] = memory.ask(lambda redis: redis.info("memory"))
    except MemoryAway:
        return [
            Finding("cache", False, False, "Answers cannot be kept: Redis does not answer.", "See the line of redis.")
        ]
    return [_room(int(facts["used_memory"]), int(facts.get("maxmemory", 0)), str(facts.get("maxmemory_policy", "")))]


def _room(used: int, most: int, policy: str) -> Finding:
    whose = "everybody" if settings.CACHE_SHARED else "who asked"
    said = f"Answers are kept for {settings.CACHE_TTL} s for {whose}; Redis uses {used / 1024**2:.0f} MB"
    said += f" of {most / 1024**2:.0f}." if most else "."
    if most and policy == KEEPS_EVERYTHING:
        hint = "Set `maxmemory-policy volatile-lru` in its configuration, so that old answers make room."
        return Finding("cache", False, False, f"{said} When it is full it takes nothing new.", hint)
    return Finding("cache", True, False, said)
