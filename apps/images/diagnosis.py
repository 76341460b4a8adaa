"""What `nitro doctor` says of the engine for pictures: which one draws, and whether it can."""

from __future__ import annotations

from urllib.parse import urlsplit

from apps.core.diagnosis import Finding
from apps.core.outside.knocking import knock
from apps.images.configuration import configured
from apps.images.errors import EngineError
from apps.images.providers.automatic1111 import Automatic1111
from apps.images.providers.base import Engine
from apps.images.providers.diffusion import Diffusion
from apps.images.providers.openai_images import OpenAIImages
from apps.images.registry import LABELS, build
from apps.images.settings import ImageSettings

CHECK = "pictures"


def examine() -> list[Finding]:
    """One line. Asks the server where there is one; draws nothing."""
    settings = configured()
    try:
        return [_drawn_by(build(settings), settings)]
    except EngineError as error:
        return [_found(error.message, error.hint, "")]


def _drawn_by(engine: Engine, settings: ImageSettings) -> Finding:
    match engine:
        case Automatic1111():
            address, hint = f"{engine.base_url}/sdapi/v1/progress", "Start it with `--api`, and look at A1111_BASE_URL."
            return _asked(engine.kind, address, {}, hint)
        case OpenAIImages():
            key = settings.image_openai_api_key
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            return _asked(engine.kind, f"{engine.base_url}/models", headers, "Look at IMAGE_OPENAI_BASE_URL.")
        case Diffusion():
            engine.check()
    return _found("", "", LABELS[engine.kind])


def _asked(kind: str, address: str, headers: dict[str, str], hint: str) -> Finding:
    """What a server answers: `progress` has to be there, since without it Stable Diffusion takes no orders."""
    where, answer = f"{LABELS[kind]} at {urlsplit(address).netloc.rpartition('@')[2]}", knock(address, headers)
    if not answer.status:
        return _found(f"{where} does not answer: {answer.problem}.", hint, "")
    if answer.is_refusal:
        return _found(f"{where} wants another key.", "Look at the engine's key in the settings.", "")
    if kind == "a1111" and answer.status == 404:
        return _found(f"{where} answers, and takes no orders of programs.", hint, "")
    return _found("", "", where)


def _found(problem: str, hint: str, who: str) -> Finding:
    if problem:
        return Finding(CHECK, False, False, problem, hint)
    return Finding(CHECK, True, False, f"Pictures are drawn by: {who}.")
