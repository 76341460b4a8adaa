"""Whom a choice means: a provider and a model, and who stands in when they fail. Asks no server."""

from __future__ import annotations

from dataclasses import dataclass

from apps.llm.errors import ModelMissing
from apps.llm.farm import Farm, Farms
from apps.llm.providers.base import ModelInfo
from apps.llm.settings import LlmSettings

WINDOWS = {"builtin": 4096, "gemini": 30_000}
OTHER_WINDOW = 8192
CHOICE_LIMIT = 200
KIND_HINT = "Choose one of: {}. A model of a server is written kind:model, such as openai:gpt-4o-mini."


@dataclass(frozen=True, slots=True)
class Target:
    """Who shall answer. `choice` is what was asked for; `model` may be empty until the server has told its models."""

    provider: str
    model: str
    context_window: int
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be chosen: `choice` is what `Router.resolve` takes."""

    choice: str
    provider: str
    info: ModelInfo


class Choices:
    """Reads choices in the light of the settings and of what the servers were last heard to have."""

    def __init__(self, settings: LlmSettings, farms: Farms) -> None:
        self._settings, self._farms = settings, farms

    def resolve(self, choice: str = "") -> Target:
        """Who answers a choice: "" for the default, `kind`, `kind:model`, or the bare name of a known model.

        What servers have said is kept and asked anew in the background. Raises `ModelMissing`.
        """
        kind, model = self._split(choice)
        farm = self._farms[kind]
        farm.refresh_soon()
        model = model or self.default_model(farm)
        info = farm.model(model)
        window = info.context_window if info is not None else 0
        return Target(kind, model, window or WINDOWS.get(kind, OTHER_WINDOW), choice)

    def candidates(self, target: Target) -> list[Target]:
        """The target, then the fallbacks that are not the target's own kind."""
        names = [*self._settings.ai_fallback, *self._stand_ins(target)]
        others = [kind for kind in dict.fromkeys(names) if kind != target.provider and kind in self._farms.kinds]
        return [target, *(self.resolve(kind) for kind in others)]

    def instead(self, target: Target) -> list[Target]:
        """Who answers for a target that an administrator lets rest: the fallbacks, and whoever else is there where
        nobody asked for a certain provider."""
        named = self.candidates(target)[1:]
        if target.choice:
            return named
        others = {kind for kind in self._farms.kinds if self._is_there(kind)} - {target.provider}
        return named + [self.resolve(kind) for kind in sorted(others - {one.provider for one in named})]

    def _is_there(self, kind: str) -> bool:
        farm = self._farms[kind]
        return bool(farm.backends) and (kind != "ollama" or (farm.found and bool(farm.known)))

    def default_model(self, farm: Farm) -> str:
        """The model of a provider where none was named; empty where that is not known yet.

        What Nitro starts itself has a name before it answers, so that what it has said before a restart is found.
        """
        if farm.kind == "ollama":
            return self._ollama_model(farm)
        named = {"openai": self._settings.openai_model, "gemini": self._settings.gemini_model}.get(farm.kind, "")
        info = farm.model(named)
        if info is None and farm.kind == "builtin" and self._settings.builtin_model_url:
            return self._settings.builtin_model
        return named or (info.name if info is not None else "")

    def _stand_ins(self, target: Target) -> list[str]:
        """Who stands in without being named: where nobody asked for a certain provider, nobody shall miss it."""
        if target.choice or self._settings.ai_model != "auto" or self._settings.ai_fallback:
            return []
        gemini = ["gemini"] if self._settings.gemini_api_key else []
        builtin = ["builtin"] if target.provider in {"ollama", "gemini"} and self._farms["builtin"].backends else []
        return gemini + builtin

    def _split(self, choice: str) -> tuple[str, str]:
        kinds = self._farms.kinds
        if not choice:
            return self._default_kind(), ""
        if len(choice) > CHOICE_LIMIT or not choice.isprintable():
            raise ModelMissing("No model has a name like that.", hint=KIND_HINT.format(", ".join(kinds)))
        kind, _, model = choice.partition(":")
        if kind in kinds:
            return kind, model
        for farm in self._farms.made():
            if farm.model(choice) is not None:
                return farm.kind, choice
        raise ModelMissing(f"There is no model {choice!r}.", hint=KIND_HINT.format(", ".join(kinds)))

    def _default_kind(self) -> str:
        kind = self._settings.ai_model
        if kind == "auto":
            kind = self._best_kind()
        if kind not in self._farms.kinds:
            hint = KIND_HINT.format(", ".join(self._farms.kinds))
            raise ModelMissing(f"AI_MODEL is {kind}, which is not here.", hint=hint)
        return kind

    def _best_kind(self) -> str:
        """What `auto` stands for: a server that was configured, Ollama where it was found, a key, what we bring."""
        if self._settings.openai_base_urls:
            return "openai"
        ollama = self._farms["ollama"] if "ollama" in self._farms.kinds else None
        if ollama is not None and ollama.found and ollama.known:
            return "ollama"
        return "gemini" if self._settings.gemini_api_key else "builtin"

    def _ollama_model(self, farm: Farm) -> str:
        """OLLAMA_MODEL; where AI_MODEL is auto and Ollama does not have that one, any that it has."""
        configured = self._settings.ollama_model
        if configured and (self._settings.ai_model != "auto" or not farm.known or farm.model(configured)):
            return configured
        info = farm.model("")
        return info.name if info is not None else ""
