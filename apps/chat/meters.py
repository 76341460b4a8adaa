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
REPLIES = metrics.counter("nitro_reply_cache_total", "Questions by what the cache knew: hit, miss, joined.", "result")
SAVED_SECONDS = metrics.counter("nitro_reply_cache_saved_seconds_total", "What cached answers took when they were new.")
SAVED_TOKENS = metrics.counter("nitro_reply_cache_saved_tokens_total", "Tokens that no model had to write again.")
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


def reply_looked(saved_ms: int | None, saved_tokens: int) -> None:
    """Count a look into the cache; None where nothing was there."""
    REPLIES.add(1, "miss" if saved_ms is None else "hit")
    if saved_ms is not None:
        SAVED_SECONDS.add(saved_ms / 1000)
        SAVED_TOKENS.add(saved_tokens)


def reply_joined(count: int = 1) -> None:
    """Count questions that share the generation of an equal one."""
    if count:
        REPLIES.add(count, "joined")
