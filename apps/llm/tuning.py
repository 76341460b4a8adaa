"""What suits a machine: a profile, a model and settings, with the reasons. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.core.machine import Machine, in_words
from apps.llm import guide
from apps.llm.guide import GIB, PROFILES, Build, Model, Profile

CLOSE = 0.9  # a machine sold with 8 GB shows a little less
SMALL_TOKENS = 300


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do here. Without a `build` the model that Nitro brings along is the best that fits."""

    profile: Profile
    settings: Mapping[str, str]
    model: Model | None = None
    build: Build | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    steps: tuple[str, ...] = field(default=())


def advise(machine: Machine, *, profile: Profile | None = None, gemini: bool = False) -> Advice:
    """Recommend what suits the machine, or what belongs to a profile. `gemini` says whether there is a key."""
    chosen = profile or profile_for(machine)
    model, build, reasons = _model_for(machine, chosen, asked_for=profile is not None)
    workers = max(1, min(chosen.workers, machine.cores))
    tokens = chosen.max_tokens if build else SMALL_TOKENS
    settings = {"WEB_WORKERS": str(workers), "MAX_TOKENS": str(tokens)}
    if build:
        settings = {"OLLAMA_MODEL": build.name} | settings
    return Advice(
        profile=chosen,
        settings=settings,
        model=model,
        build=build,
        reasons=(*reasons, _about_workers(workers, machine), *_about_small(build, gemini)),
        warnings=tuple(_warnings(machine, chosen, build)),
        steps=_steps(build),
    )


def profile_for(machine: Machine) -> Profile:
    """The largest profile whose memory and cores the machine has; the smallest one where it has none's."""
    fitting = [p for p in PROFILES if machine.memory >= CLOSE * p.memory and machine.cores >= p.cores]
    return fitting[-1] if fitting else PROFILES[0]


def _model_for(
    machine: Machine, profile: Profile, *, asked_for: bool
) -> tuple[Model | None, Build | None, tuple[str, ...]]:
    if asked_for:
        return profile.model, profile.build, (profile.reason,)
    if machine.gpu_memory:
        for other in reversed(PROFILES):
            if guide.needed(other.build.size, other.model.context) <= machine.gpu_memory:
                card = f"{other.family} at {other.quantisation} fits into the graphics card, where it is fast."
                return other.model, other.build, (card,)
    if guide.needed(profile.build.size, profile.model.context) + guide.SYSTEM > machine.memory:
        small = f"{in_words(machine.memory)} of memory hold none of the guide's models beside the system."
        return None, None, (small, "The small model that Nitro brings along needs no more than this.")
    return profile.model, profile.build, _reasons(machine, profile)


def _reasons(machine: Machine, profile: Profile) -> tuple[str, ...]:
    larger = PROFILES[PROFILES.index(profile) + 1 :]
    if larger and machine.memory >= CLOSE * larger[0].memory:
        cores = f"{machine.cores} cores" if machine.cores > 1 else "one core"
        slow = f"There is memory for more, but with {cores} a larger model would write too slowly to read along."
        return (f"{profile.family} is the quickest of the guide's good models.", slow)
    return (profile.reason,)


def _about_workers(workers: int, machine: Machine) -> str:
    if workers == 1:
        return "One web process serves a household and leaves the cores to the model."
    return f"{workers} web processes keep the page quick on {machine.cores} cores."


def _about_small(build: Build | None, gemini: bool) -> tuple[str, ...]:
    if build is not None:
        return ()
    if gemini:
        return ("There is a key for Gemini: where questions may leave this machine, AI_MODEL=gemini answers better.",)
    return ("With a key for Gemini (GEMINI_API_KEY), larger questions could be answered elsewhere.",)


def _warnings(machine: Machine, profile: Profile, build: Build | None) -> list[str]:
    found = []
    if machine.memory < CLOSE * profile.memory and build is not None and not machine.gpu_memory:
        have = f"{machine.memory / GIB:.1f} GB"
        found.append(f"The profile {profile.name} is made for {profile.memory // GIB} GB; this machine has {have}.")
    if machine.cores < profile.cores:
        cores = "one core" if machine.cores == 1 else f"{machine.cores}"
        found.append(f"The profile {profile.name} is made for {profile.cores} cores; this machine has {cores}.")
    return found


def _steps(build: Build | None) -> tuple[str, ...]:
    write = "nitro tune --write"
    if build is None:
        return (write, "restart Nitro")
    return (write, f"nitro models pull {build.name}", "restart Nitro")
