"""Whether a model suits a machine, and the guide that the estimate comes from."""

from __future__ import annotations

import pytest

from apps.core.machine import Gpu, Machine
from apps.llm import guide
from apps.llm.fitting import Level, fit

GB = 10**9
LAPTOP = Machine(cores=4, memory=8 * GB, available=4 * GB)


@pytest.mark.parametrize(
    ("size", "level"),
    [(0, "unknown"), (2 * GB, "comfortable"), (4 * GB, "tight"), (40 * GB, "too_large")],
)
def test_a_model_is_measured_by_the_memory_there_is(size: int, level: Level) -> None:
    assert fit(LAPTOP, size=size).level == level


def test_a_model_that_is_loaded_has_proved_that_it_fits() -> None:
    assert fit(LAPTOP, size=7 * GB, loaded=True).level == "comfortable"


def test_a_graphics_card_counts() -> None:
    card = Machine(cores=4, memory=8 * GB, available=4 * GB, gpus=(Gpu("big", 80 * GB),))
    assert fit(card, size=40 * GB).level == "comfortable"


def test_the_sentence_has_the_figures() -> None:
    assert fit(LAPTOP, size=4 * GB).sentence == (
        "Tight: it takes about 4.8 GB of memory, and 4.0 GB are free now. Close other programs first."
    )
    assert "this machine has 8.0 GB" in fit(LAPTOP, size=40 * GB).sentence


def test_a_known_context_is_counted_instead_of_a_guess() -> None:
    assert fit(LAPTOP, size=GB, context=3 * GB).memory > fit(LAPTOP, size=GB).memory


def test_the_guide_holds_what_was_promised() -> None:
    assert [model.family for model in guide.GUIDE] == ["phi3", "llama3.2", "llama3", "gemini-flash"]
    for model in guide.GUIDE[:3]:
        assert [build.quantisation for build in model.builds] == ["q4_0", "q8_0"]
        assert model.build("q4_0").size < model.build("q8_0").size
    assert all(model.speed and model.quality and model.use for model in guide.GUIDE)


@pytest.mark.parametrize("profile", guide.PROFILES, ids=lambda profile: profile.name)
def test_what_a_profile_recommends_fits_into_it(profile: guide.Profile) -> None:
    beside = profile.memory - guide.SYSTEM
    assert guide.needed(profile.build.size, profile.model.context) <= beside
    assert profile.workers <= profile.cores


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("phi3", "phi3"),
        ("llama3.2:1b-instruct-q4_0", "llama3.2"),
        ("hf.co/somebody/llama3", "llama3"),
        ("gemini-2.5-flash", "gemini-flash"),
    ],
)
def test_a_name_finds_its_model(name: str, family: str) -> None:
    found = guide.of_name(name)
    assert found is not None
    assert found.family == family


@pytest.mark.parametrize(
    ("name", "size", "context"),
    [
        ("phi3", 2_176_178_913, 1_610_000_000),
        ("llama3.2:1b", 1_300_000_000, 0),
        ("mistral", 4_000_000_000, 0),
        ("gemini-2.5-flash", 0, 0),
    ],
)
def test_a_conversation_is_reckoned_by_the_guide_for_its_own_models_alone(name: str, size: int, context: int) -> None:
    assert guide.context_of(name, size) == context


@pytest.mark.parametrize("name", ["gemini-2.5-pro", "llama33", "gpt-4o-mini", ""])
def test_a_name_that_the_guide_does_not_know_finds_nothing(name: str) -> None:
    assert guide.of_name(name) is None
