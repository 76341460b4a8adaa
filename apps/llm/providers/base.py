"""The one interface behind which every model server stands. Nothing here knows Django, Channels or a database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from apps.llm.errors import Rejected
from apps.llm.events import Event
from apps.llm.messages import Call
from apps.llm.providers.embeddings import Embedding


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a provider gives up: connecting, waiting for the first event, silence between two events."""

    connect: float = 4.0
    first: float = 28.0
    silence: float = 60.0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a server has. Sizes are bytes, 0 where unknown; `context_window` is in tokens."""

    name: str
    context_window: int = 0
    size: int = 0
    parameters: str = ""
    quantisation: str = ""
    loaded: bool = True
    abilities: frozenset[str] = frozenset()


class Provider(ABC):
    """One wire. Instances are shared by all turns of a process and keep their connections open between calls."""

    kind: str
    near = False  # on this machine or its network, where whoever is there answers a knock within half a second

    @abstractmethod
    def stream(self, call: Call) -> AsyncGenerator[Event, None]:
        """Yield the answer's events as they arrive; the last one is `Finished`, exactly once.

        Raises a `ProviderError`. Closing the generator (or cancelling the task in it) closes the connection, so that
        the server stops generating. Nothing is retried once an event was yielded.
        """

    async def embed(self, model: str, texts: Sequence[str]) -> Embedding:
        """Each text as a vector. Raises a `ProviderError`: `Rejected` where this wire has no embeddings."""
        raise Rejected(f"The provider {self.kind} makes no embeddings.", hint="Choose an embedding model of another.")

    @abstractmethod
    async def models(self) -> list[ModelInfo]:
        """The models this server has; raises a `ProviderError`."""

    @abstractmethod
    async def ready(self) -> bool:
        """Whether a call could begin now; False while a model is loading. Raises a `ProviderError` when away."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""
