"""What `nitro doctor` says of speech: who listens and who speaks, and whether they can."""

from __future__ import annotations

from collections.abc import Callable

from apps.core.confined import Confined
from apps.core.diagnosis import Finding
from apps.core.errors import NitroError
from apps.core.outside.knocking import knock
from apps.voice import registry
from apps.voice.providers.base import Speaker, Transcriber
from apps.voice.providers.openai_compatible import ServerSpeaker, ServerTranscriber

NO_VOICE = "It has no voice yet."


def examine() -> list[Finding]:
    """A line for each direction. Asks servers where there are some; listens to nothing and says nothing."""
    listens = _looked_at("listening", registry.transcriber, "STT")
    return [listens, _looked_at("speaking", registry.speaker, "TTS")]


def _looked_at(check: str, engine: Callable[[], Transcriber | Speaker], setting: str) -> Finding:
    try:
        found = engine()
        problem = _problem(found)
    except (NitroError, Confined) as error:
        return Finding(check, False, False, getattr(error, "message", str(error)), getattr(error, "hint", ""))
    if problem:
        return Finding(check, False, False, f"{found.label}: {problem}", f"Look at {setting}_BASE_URL and its key.")
    return Finding(check, True, False, f"{check.capitalize()}: {found.label}.")


def _problem(engine: Transcriber | Speaker) -> str:
    """What is in the way, as a sentence; nothing where all is well."""
    if isinstance(engine, Speaker) and not engine.voices():
        return NO_VOICE
    if not isinstance(engine, (ServerTranscriber, ServerSpeaker)):
        return ""
    answer = knock(f"{engine.line.base_url}/models", engine.line.headers)
    if not answer.status:
        return f"it does not answer ({answer.problem})."
    return "it wants another key." if answer.is_refusal else ""
