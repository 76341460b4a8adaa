"""Brings a Whisper model to this machine, when somebody asks for it: nothing is ever fetched of itself."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from apps.core.errors import Invalid
from apps.voice.errors import EngineAway, EngineMissing

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
REPOSITORY = "Systran/faster-whisper-{name}"  # where the authors of faster-whisper keep them
FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*", "preprocessor_config.json")


def whisper_pull(name: str, *, folder: Path) -> Path:
    """Fetch a model such as `base` into the folder, with a progress bar on the terminal; returns where it lies.

    It has its name only when all of it has come; asked again, a download goes on where it was broken off. Raises
    `Invalid`, `EngineMissing` without the extra, and `EngineAway`.
    """
    if not NAME.fullmatch(name):
        raise Invalid("That is no name of a Whisper model.", hint="Such as tiny, base, small or large-v3.")
    target, aside = folder / f"faster-whisper-{name}", folder / f".part-{name}"
    if (target / "model.bin").is_file():
        return target
    if find_spec("huggingface_hub") is None:
        raise EngineMissing(
            "Whisper is not installed.", hint="Install it with `nitro extras whisper`, then start Nitro again."
        )
    hub = import_module("huggingface_hub")
    try:
        hub.snapshot_download(REPOSITORY.format(name=name), local_dir=str(aside), allow_patterns=list(FILES))
    except (hub.errors.HfHubHTTPError, OSError, ValueError) as error:
        said = (str(error).strip().splitlines() or ["no reason was given"])[0][:200].rstrip(".")
        raise EngineAway(
            f"The model could not be fetched: {said}.",
            hint="Ask again: it goes on where it was. Or put it there by hand.",
        ) from error
    if not (aside / "model.bin").is_file():
        raise EngineMissing(f"There is no Whisper model '{name}'.", hint="Such as tiny, base, small or large-v3.")
    shutil.rmtree(aside / ".cache", ignore_errors=True)
    aside.rename(target)
    return target
