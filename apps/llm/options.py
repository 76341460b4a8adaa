"""Which sampling options each kind of server knows, and in which range: what somebody asks for is done or refused."""

from __future__ import annotations

from collections.abc import Mapping

from apps.llm.errors import Refused

Range = tuple[float, float]

COMMON: Mapping[str, Range] = {"max_tokens": (1, 1_000_000), "temperature": (0, 2), "top_p": (0, 1)}
SEED: Mapping[str, Range] = {"seed": (0, 2**31 - 1)}
LOCAL: Mapping[str, Range] = {**COMMON, **SEED, "top_k": (0, 1000), "repeat_penalty": (0.1, 2)}
KNOWN: Mapping[str, Mapping[str, Range]] = {
    "builtin": LOCAL,
    "ollama": LOCAL,
    "openai": {**COMMON, **SEED},  # the others belong to single servers, and a cloud refuses what it does not know
    "gemini": {**COMMON, "top_k": (0, 1000)},
}
NAMES = {"builtin": "the built-in model", "ollama": "Ollama", "gemini": "Gemini", "openai": "servers of OpenAI's kind"}


class UnfitOption(Refused):
    """An option was asked for that the server does not know, or not in that size."""

    code = "bad_option"
    status = 400


def check(kind: str, asked: Mapping[str, float]) -> None:
    """Raise `UnfitOption` for the first option that this kind of server would not follow.

    Defaults and what was settled for a whole chat are not asked for: of those each server gets what it knows.
    """
    known = KNOWN.get(kind)
    if known is None:
        return
    for name, value in asked.items():
        if name not in known:
            hint = f"It knows {', '.join(known)}. Leave the option out, or choose another model."
            raise UnfitOption(f"The option '{name}' is not known to {NAMES[kind]}.", hint=hint)
        low, high = known[name]
        if not low <= value <= high:
            said = f"must be a number from {low:,.10g} to {high:,.10g}."
            raise UnfitOption(f"For {NAMES[kind]} the option '{name}' {said}")
