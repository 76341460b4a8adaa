"""Hints that fit Ollama, in the place of those for other servers."""

from __future__ import annotations

from apps.llm.errors import ModelMissing, ProviderError
from apps.llm.providers.failures import ADDRESS_HINT, KEY_HINT, excerpt


def hinted(failure: ProviderError, model: str = "") -> ProviderError:
    """The failure itself, with its hint put right."""
    if isinstance(failure, ModelMissing) and model:
        failure.hint = f"Run `ollama pull {excerpt(model)}`, or choose another model."
    elif failure.hint == KEY_HINT:
        failure.hint = "Check the name and password in OLLAMA_BASE_URL."
    elif failure.hint == ADDRESS_HINT:
        failure.hint = "Check OLLAMA_BASE_URL; usually it is http://localhost:11434, without a path."
    return failure
