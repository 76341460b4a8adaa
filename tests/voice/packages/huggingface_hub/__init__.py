"""Stands in for the package of this name: the one call that Nitro makes, and its errors."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

errors: Any = import_module("huggingface_hub.errors")


def snapshot_download(repo_id: str, *, local_dir: str, allow_patterns: list[str]) -> str:
    folder = Path(local_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    if repo_id.endswith("-broken"):
        raise errors.HfHubHTTPError("the line broke")
    if repo_id.startswith("Systran/faster-whisper-") and not repo_id.endswith("-empty"):
        (folder / "model.bin").write_text("hello from whisper")
    return local_dir
