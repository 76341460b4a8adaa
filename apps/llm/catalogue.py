"""The models there are: what they can do, whether they are loaded, and what suits this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from apps.core.machine import Machine, machine
from apps.llm import guide
from apps.llm.errors import ProviderError
from apps.llm.fitting import ELSEWHERE, Fit, fit
from apps.llm.local import LocalModel, local_files
from apps.llm.router import Offer, Router, router
from apps.llm.settings import LlmSettings

ABILITIES = ("text", "vision", "tools", "thinking", "embedding")
NAMES = {"completion": "text", "insert": "text", "chat": "text", "image": "vision", "reasoning": "thinking"}
SEES = frozenset({"gemini"})  # kinds whose models all see
SERVERS = {"builtin": "Nitro itself", "ollama": "Ollama", "gemini": "Google Gemini", "openai": "Model server"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be chosen.

    `choice` is what `Router.resolve` takes, `server` the provider's name for people. `size` is bytes on disk and
    `context_window` tokens, each 0 where unknown; `parameters` and `quantisation` are then empty. `abilities` are of
    `ABILITIES`; `default` marks the one that answers where nobody chooses. `speed`, `quality` and `use` come from the
    guide and are empty for models that it does not know.
    """

    choice: str
    name: str
    provider: str
    server: str
    size: int
    parameters: str
    quantisation: str
    context_window: int
    abilities: tuple[str, ...]
    loaded: bool
    default: bool
    fit: Fit
    removable: bool = False
    speed: str = ""
    quality: str = ""
    use: str = ""


async def catalogue(using: Router | None = None) -> list[Entry]:
    """All models of the servers that answer, in the order of the providers, the default one marked.

    Asks the servers where what they said is older than a minute; after `models_changed` at once.
    """
    chosen = using or router()
    offers, around = await asyncio.gather(chosen.models(), asyncio.to_thread(_look_around, chosen.settings))
    default = _default_choice(chosen)
    return [_entry(offer, around, default) for offer in offers]


@dataclass(frozen=True, slots=True)
class _Around:
    """What does not come from the servers: this machine, the settings, and the files of models by their names."""

    machine: Machine
    settings: LlmSettings
    files: Mapping[str, LocalModel]


def _look_around(settings: LlmSettings) -> _Around:
    files = local_files(Path(settings.home)).models if settings.home else ()
    return _Around(machine(), settings, {model.name: model for model in files})


def _default_choice(chosen: Router) -> str:
    try:
        target = chosen.resolve()
    except ProviderError:
        return ""
    return f"{target.provider}:{target.model}"


def _entry(offer: Offer, around: _Around, default: str) -> Entry:
    info, known = offer.info, guide.of_name(offer.info.name)
    file = around.files.get(info.name) if offer.provider == "builtin" else None
    return Entry(
        choice=offer.choice,
        name=info.name,
        provider=offer.provider,
        server=SERVERS.get(offer.provider, offer.provider),
        size=info.size,
        parameters=info.parameters or (known.parameters if known else ""),
        quantisation=info.quantisation,
        context_window=info.context_window,
        abilities=abilities(offer.provider, info.abilities),
        loaded=info.loaded,
        default=offer.choice == default,
        fit=_fit(offer, around, file.context_memory if file else 0),
        removable=offer.provider == "ollama" or file is not None,
        speed=known.speed if known else "",
        quality=known.quality if known else "",
        use=known.use if known else "",
    )


def _fit(offer: Offer, around: _Around, context: int) -> Fit:
    if not is_here(offer.provider, around.settings):
        return ELSEWHERE
    context = context or guide.context_of(offer.info.name, offer.info.size)
    return fit(around.machine, size=offer.info.size, context=context, loaded=offer.info.loaded)


def abilities(provider: str, told: frozenset[str]) -> tuple[str, ...]:
    """What a model can do, in our words and order. A server that tells nothing has models that talk."""
    found = {NAMES.get(word, word) for word in told} or {"text"}
    if provider in SEES:
        found.add("vision")
    return tuple(word for word in ABILITIES if word in found)


def is_here(provider: str, settings: LlmSettings) -> bool:
    """Whether a provider's models run on this machine."""
    if provider == "ollama":
        return is_loopback(settings.ollama_base_url)
    url = settings.builtin_model_url
    return provider == "builtin" and (not url or is_loopback(url))


def is_loopback(url: str) -> bool:
    """Whether an address means this machine; asks no name server."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
