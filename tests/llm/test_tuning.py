"""What is recommended to which machine."""

from __future__ import annotations

import pytest

from apps.core.machine import Gpu, Machine
from apps.llm import guide
from apps.llm.guide import GIB, PROFILES
from apps.llm.tuning import advise, profile_for


def machine(gib: float, cores: int, *gpus: Gpu) -> Machine:
    return Machine(cores=cores, memory=round(gib * GIB), available=round(gib * GIB / 2), gpus=gpus)


@pytest.mark.parametrize(
    ("gib", "cores", "name"),
    [
        (4, 4, "laptop"),
        (3.8, 4, "laptop"),
        (8, 8, "server"),
        (7.6, 8, "server"),
        (16, 16, "cloud"),
        (64, 32, "cloud"),
        (64, 2, "laptop"),
        (8, 4, "laptop"),
        (16, 8, "server"),
        (0.5, 1, "laptop"),
    ],
)
def test_a_machine_gets_the_largest_profile_that_it_fills(gib: float, cores: int, name: str) -> None:
    assert profile_for(machine(gib, cores)).name == name


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_profile_is_recommended_as_it_stands_to_the_machine_it_is_made_for(profile: guide.Profile) -> None:
    advice = advise(Machine(profile.cores, profile.memory, profile.memory))
    assert advice.settings == {
        "OLLAMA_MODEL": profile.build.name,
        "WEB_WORKERS": str(profile.workers),
        "MAX_TOKENS": str(profile.max_tokens),
    }
    assert advice.warnings == ()
    assert advice.reasons
    assert advice.steps[1] == f"nitro models pull {profile.build.name}"


def test_a_machine_that_holds_no_model_of_the_guide_keeps_the_small_one() -> None:
    advice = advise(machine(1, 1))
    assert advice.build is None
    assert "OLLAMA_MODEL" not in advice.settings
    assert (advice.settings["WEB_WORKERS"], advice.settings["MAX_TOKENS"]) == ("1", "300")
    assert "models pull" not in " ".join(advice.steps)


def test_gemini_is_named_where_there_is_a_key() -> None:
    assert any("AI_MODEL=gemini" in reason for reason in advise(machine(1, 1), gemini=True).reasons)
    assert any("GEMINI_API_KEY" in reason for reason in advise(machine(1, 1)).reasons)


def test_a_graphics_card_takes_the_largest_model_that_fits_into_it() -> None:
    advice = advise(machine(8, 4, Gpu("big", 24 * GIB)))
    assert advice.build == guide.profile_by_name("cloud").build
    assert any("graphics card" in reason for reason in advice.reasons)


def test_a_small_graphics_card_changes_nothing() -> None:
    assert advise(machine(4, 4, Gpu("small", GIB))).build == guide.profile_by_name("laptop").build


def test_few_cores_are_given_as_the_reason_for_a_small_model() -> None:
    assert any("2 cores" in reason for reason in advise(machine(64, 2)).reasons)


def test_a_profile_that_is_too_large_is_given_with_a_warning() -> None:
    advice = advise(machine(4, 2), profile=guide.profile_by_name("cloud"))
    assert advice.build == guide.profile_by_name("cloud").build
    assert "made for 16 GB; this machine has 4.0 GB" in advice.warnings[0]
    assert "made for 16 cores; this machine has 2" in advice.warnings[1]
    assert advice.settings["WEB_WORKERS"] == "2"
