"""What `nitro doctor` and the settings page say of each model server: whether it answers, how it did, who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from apps.core.diagnosis import Finding
from apps.core.running import running
from apps.llm import board
from apps.llm.configuration import configured, data_folder
from apps.llm.errors import ProviderError
from apps.llm.farm import Condition, Farm
from apps.llm.local import Files, local_files
from apps.llm.registry import build
from apps.llm.settings import Flaw, LlmSettings

SECONDS = 8.0  # for one server to answer; Gemini's library alone takes some to load
NAMES = {"builtin": "The built-in model", "ollama": "Ollama", "gemini": "Gemini", "openai": "The model server"}
INSTALL = "Install it from https://ollama.com/download and start it, if you want it; nothing depends on it."
LISTED = 5
FILE_HINT = "Copy the file again, or take it out of the folder `models` of the data folder."


def examine() -> list[Finding]:
    """A line for each wrong setting and each server. Asks the servers, side by side; takes seconds at most."""
    settings = _with_running_model(configured())
    seen = board.read(settings.redis_url)
    return [*_wrong(settings), *asyncio.run(_servers(settings, seen)), *_files(settings)]


def _with_running_model(settings: LlmSettings) -> LlmSettings:
    """The built-in model's address is known to the processes of a running Nitro; others read its note."""
    if settings.builtin_model_url:
        return settings
    found = running(data_folder())
    return replace(settings, builtin_model_url=found.model_url if found is not None else "")


def _wrong(settings: LlmSettings) -> Iterator[Finding]:
    for flaw in settings.flaws:
        yield Finding(flaw.kind, False, _is_needed(settings, flaw), flaw.message, flaw.hint)


def _files(settings: LlmSettings) -> list[Finding]:
    """A line for each model file that is not offered, or one for all where all are; none where there are no files."""
    found = local_files(Path(settings.home)) if settings.home else Files()
    if found.unusable:
        wrong = [f"{one.file} is not offered. {one.sentence}" for one in found.unusable[:LISTED]]
        return [Finding("files", False, False, message, FILE_HINT) for message in wrong]
    if not found.models:
        return []
    count = len(found.models)
    return [Finding("files", True, False, f"{count} model file{'s' * (count != 1)} of the data folder can be used.")]


def _is_needed(settings: LlmSettings, flaw: Flaw) -> bool:
    return settings.ai_model == flaw.kind


async def _servers(settings: LlmSettings, seen: list[Condition]) -> list[Finding]:
    kinds = [kind for kind in settings.kinds if kind != "builtin"]  # that one has a check of its own
    found = await asyncio.gather(*(_kind(kind, settings, seen) for kind in kinds))
    return [finding for findings in found for finding in findings]


async def _kind(kind: str, settings: LlmSettings, seen: list[Condition]) -> list[Finding]:
    """The findings of a kind's servers; none where it is not set up."""
    farm = Farm(kind, await asyncio.to_thread(build, kind, settings))
    try:
        return await asyncio.gather(*(_server(farm, number, settings, seen) for number in range(len(farm.backends))))
    finally:
        await farm.close()


async def _server(farm: Farm, number: int, settings: LlmSettings, seen: list[Condition]) -> Finding:
    provider = farm.backends[number].provider
    name = _name(farm.kind, number, settings)
    needed = settings.ai_model == farm.kind and len(farm.backends) == 1
    try:
        async with asyncio.timeout(SECONDS):
            models = [info.name for info in await provider.models()]
    except TimeoutError:
        return Finding(farm.kind, False, needed, f"{name} did not answer within {SECONDS:g} s.", "Look at its own log.")
    except ProviderError as failure:
        if is_unasked(farm.kind, settings):
            return Finding(farm.kind, True, False, f"{name} is not there, and nobody asked for it.", INSTALL)
        return Finding(farm.kind, False, needed, f"{name} does not answer: {failure.message}", failure.hint)
    if (flaw := _unknown_model(farm.kind, models, settings)) is not None:
        return Finding(farm.kind, False, needed, flaw.message, flaw.hint)
    return _answers(farm.kind, number + 1, name, len(models), settings, seen)


def is_unasked(kind: str, settings: LlmSettings) -> bool:
    """Whether a kind is only tried because it might be there: Ollama at its usual address."""
    return kind == "ollama" and settings.ai_model == "auto" and _is_usual(settings)


def _answers(kind: str, number: int, name: str, models: int, settings: LlmSettings, seen: list[Condition]) -> Finding:
    """A server that answers us now; the running processes may have found it otherwise."""
    message = f"{name} answers and has {models} model{'s' * (models != 1)}.{_queue(kind, settings)}"
    worst = max((one for one in seen if (one.kind, one.number) == (kind, number)), key=_badness, default=None)
    if worst is None or worst.state == "closed":
        return Finding(kind, True, settings.ai_model == kind, message)
    told = f"{message} But it failed {worst.failures} times in a row: {worst.last_failure}"
    hint = f"It is left alone for another {worst.wait:.0f} s, then a question tries it. Look at its own log."
    return Finding(kind, False, False, told, hint)


def _badness(condition: Condition) -> tuple[bool, float]:
    return condition.state != "closed", condition.wait


def _queue(kind: str, settings: LlmSettings) -> str:
    """A sentence about the line before it, where there is one."""
    crowd = board.crowd(settings.redis_url, kind) if settings.redis_url else None
    if crowd is None or not (crowd.inside or crowd.waiting):
        return ""
    return f" It is giving {crowd.inside} answer{'s' * (crowd.inside != 1)}, and {crowd.waiting} wait."


def _unknown_model(kind: str, models: Iterable[str], settings: LlmSettings) -> Flaw | None:
    """What is wrong with the configured model, where the server does not have it."""
    setting = f"{kind.upper()}_MODEL"
    wanted = {"openai": settings.openai_model, "ollama": settings.ollama_model, "gemini": settings.gemini_model}[kind]
    known = sorted(models)
    if not wanted or wanted.removeprefix("models/") in known or (kind == "ollama" and settings.ai_model == "auto"):
        return None
    has = ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
    pull = f"Run `nitro models pull {wanted}`, or set" if kind == "ollama" else "Set"
    hint = f"{pull} {setting} to one that it has: {has}." if has else f"{pull} another model; it has none yet."
    return Flaw(setting, f"{setting} is {wanted!r}, which {NAMES[kind].lower()} does not have.", hint)


def _name(kind: str, number: int, settings: LlmSettings) -> str:
    """A server's name for people: what it is, and where."""
    urls = {"openai": settings.openai_base_urls, "ollama": (settings.ollama_base_url,)}.get(kind, ())
    if number >= len(urls):
        return NAMES[kind]
    parts = urlsplit(urls[number])
    return f"{NAMES[kind]} at {parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _is_usual(settings: LlmSettings) -> bool:
    """Whether Ollama is only looked for where it usually is."""
    return settings.ollama_base_url == "http://localhost:11434"
