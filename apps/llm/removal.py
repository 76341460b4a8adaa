"""Takes models off the disk: those of Ollama through Ollama."""

from __future__ import annotations

from asgiref.sync import async_to_sync

from apps.accounts.models import User
from apps.core.errors import Invalid
from apps.llm import pulls, services
from apps.llm.configuration import configured
from apps.llm.sources import FromOllama

KEPT_HINT = "Only models of Ollama and files in the folder `models` of the data folder can be removed."


def model_remove(*, user: User | None, choice: str) -> None:
    """Remove a model, named as it is chosen; None stands for whoever has the command line.

    Raises `NotAllowed`, `ModelMissing`, and `Invalid` for what is not ours to remove.
    """
    if user is not None:
        services.administrator_required(user=user)
    kind, _, name = choice.partition(":")
    if kind != "ollama" or not name:
        raise Invalid(f"{choice!r} cannot be removed from here.", hint=KEPT_HINT)
    async_to_sync(_from_ollama)(name)
    async_to_sync(pulls.models_changed)()


async def _from_ollama(name: str) -> None:
    source = FromOllama(configured().ollama_base_url)
    try:
        await source.remove(name)
    finally:
        await source.close()
