"""Who will answer a chat, as its page says it: a name, a sentence, and how much fits into the model's window."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from apps.llm.errors import ProviderError
from apps.llm.router import router

BUILT_IN = "Nitro’s own model"


@dataclass(frozen=True, slots=True)
class Engine:
    """`choice` is what was chosen, empty for the default; `missing` says that it cannot answer, and why."""

    choice: str
    name: str
    sentence: str
    window: int = 0
    missing: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def engine(choice: str = "") -> Engine:
    """Ask the router, and no server."""
    try:
        target = router().resolve(choice)
    except ProviderError as error:
        name = choice.partition(":")[2] or choice or "No model"
        return Engine(choice, name, " ".join(filter(None, (error.message, error.hint))), missing=True)
    name = target.model or (BUILT_IN if target.provider == "builtin" else target.provider)
    return Engine(choice, name, _sentence(target.provider, name), target.context_window)


def _sentence(provider: str, name: str) -> str:
    if provider == "builtin":
        return "Answers come from the small model built into Nitro: quick, private, and often wrong about facts."
    return f"{name} answers. Check what matters."
