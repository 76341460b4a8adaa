"""What is counted of a turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.chat import meters
from apps.core import metrics


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    metrics.take()
    yield
    metrics.take()


def done(**more: object) -> dict[str, Any]:
    timing = {"queued_ms": 2, "first_token_ms": 200, "total_ms": 900, "tokens_per_second": 70.0}
    usage = {"prompt_tokens": 12, "completion_tokens": 30}
    return {"finish_reason": "stop", "provider": "ollama", "cached": False, "timing": timing, "usage": usage, **more}


def test_an_answer_is_counted_by_its_provider_and_its_end() -> None:
    meters.turn_ended(done())
    counted = metrics.take()
    assert counted["nitro_turns_total\tollama\tstop"] == 1
    assert counted["nitro_turn_first_token_seconds\tollama\t0.25"] == 1
    assert counted["nitro_turn_seconds\tollama\tsum"] == 0.9
    assert (counted["nitro_tokens_total\tprompt"], counted["nitro_tokens_total\tcompletion"]) == (12, 30)


def test_an_answer_without_a_word_has_no_first_one() -> None:
    timing = {"queued_ms": 2, "first_token_ms": None, "total_ms": 900, "tokens_per_second": None}
    meters.turn_ended(done(finish_reason="failed", timing=timing))
    assert not [field for field in metrics.take() if field.startswith("nitro_turn_first_token")]


def test_a_cached_answer_costs_no_tokens_and_is_nobody_s_speed() -> None:
    meters.turn_ended(done(cached=True))
    counted = metrics.take()
    assert counted["nitro_turns_total\tmemory\tstop"] == 1
    assert not [field for field in counted if "tokens" in field or "ollama" in field]
