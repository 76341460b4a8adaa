"""Takes models off the disk: those of Ollama through Ollama, those in the data folder by deleting their files."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync

from apps.accounts.models import User
from apps.core.errors import Invalid, NitroError
from apps.llm import pulls, services
from apps.llm.configuration import configured
from apps.llm.errors import ModelMissing, Unreachable
from apps.llm.local import LocalModel, local_files
from apps.llm.providers.builtin import ask
from apps.llm.sources import FromOllama

KEPT_HINT = "Only models of Ollama and files in the folder `models` of the data folder can be removed."


class NotRemoved(NitroError):
    """The disk does not let go of a file."""

    code = "not_removed"
    hint = "Check who owns the folder `models` of the data folder, and whether its disk can be written."


def model_remove(*, user: User | None, choice: str) -> None:
    """Remove a model, named as it is chosen; None stands for whoever has the command line.

    Raises `NotAllowed`, `ModelMissing`, `Unreachable`, and `Invalid` for what is not ours to remove.
    """
    if user is not None:
        services.administrator_required(user=user)
    kind, _, name = choice.partition(":")
    remove = {"ollama": _from_ollama, "builtin": _from_folder}.get(kind)
    if remove is None or not name:
        raise Invalid(f"{choice!r} cannot be removed from here.", hint=KEPT_HINT)
    async_to_sync(_remove)(remove(name))


async def _remove(removing: Coroutine[Any, Any, None]) -> None:
    await removing
    await pulls.models_changed()


async def _from_ollama(name: str) -> None:
    source = FromOllama(configured().ollama_base_url)
    try:
        await source.remove(name)
    finally:
        await source.close()


async def _from_folder(name: str) -> None:
    settings = configured()
    found = await asyncio.to_thread(local_files, Path(settings.home))
    model = next((model for model in found.models if model.name == name), None)
    if model is None:
        raise ModelMissing(f"There is no file of a model {name} in the data folder.", hint=KEPT_HINT)
    await asyncio.to_thread(_delete, model)
    with suppress(Unreachable):  # nobody runs it then
        await ask(settings.models_socket, {"end": name})


def _delete(model: LocalModel) -> None:
    for file in model.files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise NotRemoved(f"{file.name} could not be deleted: {error.strerror}.") from error
