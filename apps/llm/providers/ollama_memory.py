"""What a server said about its models: which are loaded, with how long a context, and what they can do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.llm.providers.base import ModelInfo

if TYPE_CHECKING:
    from ollama import ListResponse, ProcessResponse, ShowResponse

SERVER_CONTEXT = 2048  # what any version of Ollama gives without being asked
SMALLEST_CONTEXT = 4096  # what we ask for at least, when we ask
LARGEST_CONTEXT = 16384  # a model's own limit may be 128 Ki, and cost more memory than a laptop has
TRUSTED = 90.0  # seconds for which it is believed that a model is not loaded
SHOWN_LIMIT = 100
NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """What `show` tells; it belongs to the model's digest and never changes."""

    context_window: int = 0
    abilities: frozenset[str] = frozenset()


@dataclass(slots=True)
class Known:
    """A model as last heard of."""

    digest: str
    size: int
    parameters: str
    quantisation: str


def plain(name: str) -> str:
    """A model's name without the tag that goes without saying."""
    return name.removesuffix(":latest")


class Memory:
    """Of one server. Nothing here asks anybody."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._shown: dict[str, Shown] = {}
        self._contexts: dict[str, int] = {}
        self._cold: dict[str, float] = {}

    def remember(self, listed: ListResponse, running: ProcessResponse) -> None:
        """Take in the answers of `list` and `ps`."""
        self._known = {}
        for model in listed.models:
            name, details = plain(model.model or ""), model.details
            if name.isprintable() and 0 < len(name) <= NAME_LIMIT:
                parameters = (details.parameter_size or "") if details else ""
                quantisation = (details.quantization_level or "") if details else ""
                self._known[name] = Known(model.digest or name, int(model.size or 0), parameters, quantisation)
        loaded = {plain(model.model or model.name or ""): model.context_length or 0 for model in running.models}
        self._cold = {name: time.monotonic() for name in self._known if name not in loaded}
        self._contexts = {name: loaded[name] or self._contexts.get(name, 0) for name in loaded}
        self._shown = {known.digest: self._shown[known.digest] for known in self._known.values() if self._has(known)}

    def unknown(self) -> list[str]:
        """The models that `show` has not been asked about yet; of very many only the first ones."""
        return [name for name, known in self._known.items() if not self._has(known)][: SHOWN_LIMIT - len(self._shown)]

    def learn(self, name: str, told: ShowResponse) -> None:
        """Take in the answer of `show`."""
        lengths = [value for key, value in (told.modelinfo or {}).items() if key.endswith(".context_length")]
        window = next((value for value in lengths if isinstance(value, int) and value > 0), 0)
        if known := self._known.get(name):
            self._shown[known.digest] = Shown(window, frozenset(told.capabilities or ()))

    def models(self) -> list[ModelInfo]:
        """The models that can hold a conversation, the loaded ones first."""
        found = [self._info(name, known) for name, known in self._known.items()]
        talking = [info for info in found if not info.abilities or "completion" in info.abilities]
        return sorted(talking, key=lambda info: not info.loaded)

    def context_for(self, model: str, needed: int) -> int:
        """The context to ask for: never less than what the model runs with, for Ollama would load it anew; 0 where
        the server's own is enough."""
        name = plain(model)
        now = self._contexts.get(name, 0)
        if needed <= (now or SERVER_CONTEXT):
            return now
        size = SMALLEST_CONTEXT
        while size < min(needed, LARGEST_CONTEXT):
            size *= 2
        return max(now, min(size, self._window(name) or size))

    def is_loaded(self, model: str, context: int) -> None:
        """The model answers, with this context."""
        name = plain(model)
        self._cold.pop(name, None)
        self._contexts[name] = max(context, self._contexts.get(name, 0))

    def is_cold(self, model: str) -> None:
        """The model did not answer in time."""
        if plain(model) in self._known:
            self._cold[plain(model)] = time.monotonic()

    def is_known_cold(self, model: str) -> bool:
        """Whether the server said not long ago that the model is not loaded."""
        return time.monotonic() - self._cold.get(plain(model), float("-inf")) < TRUSTED

    def _has(self, known: Known) -> bool:
        return known.digest in self._shown

    def _window(self, name: str) -> int:
        known = self._known.get(name)
        return self._shown.get(known.digest, Shown()).context_window if known else 0

    def _info(self, name: str, known: Known) -> ModelInfo:
        usable = max(LARGEST_CONTEXT, self._contexts.get(name, 0))
        return ModelInfo(
            name=name,
            context_window=min(self._window(name), usable),
            size=known.size,
            parameters=known.parameters,
            quantisation=known.quantisation,
            loaded=name not in self._cold,
            abilities=self._shown.get(known.digest, Shown()).abilities,
        )
