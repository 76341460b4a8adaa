"""What is counted of turns: how they end, how long people wait, how many tokens there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core import metrics

ENDED = metrics.counter("nitro_turns_total", "Answers by provider and by how they ended.", "provider", "end")
FIRST_TOKEN = metrics.histogram("nitro_turn_first_token_seconds", "From a question to its first word.", "provider")
SECONDS = metrics.histogram("nitro_turn_seconds", "From a question to the end of its answer.", "provider")
QUEUED = metrics.histogram("nitro_turn_queued_seconds", "From a question to the model's attention.", "provider")
TOKENS = metrics.counter("nitro_tokens_total", "Tokens read and written by models.", "kind")
CACHED = "memory"  # stands in the provider's place where the answer was known already


def turn_ended(done: Mapping[str, Any]) -> None:
    """Count a turn by its `done` frame."""
    cached = bool(done["cached"])
    provider = CACHED if cached else str(done["provider"])
    ENDED.add(1, provider, str(done["finish_reason"]))
    for histogram, name in ((QUEUED, "queued_ms"), (FIRST_TOKEN, "first_token_ms"), (SECONDS, "total_ms")):
        milliseconds = done["timing"].get(name)
        if milliseconds is not None:
            histogram.observe(milliseconds / 1000, provider)
    if not cached:
        TOKENS.add(done["usage"]["prompt_tokens"] or 0, "prompt")
        TOKENS.add(done["usage"]["completion_tokens"] or 0, "completion")
