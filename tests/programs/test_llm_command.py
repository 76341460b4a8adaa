"""The `llm` command-line tool talks to a running Nitro, told of it in its own file of models."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.programs.conftest import House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.model]


def program() -> str:
    found = shutil.which("llm", path=str(Path(sys.executable).parent))
    assert found is not None, "The package llm is part of the development requirements."
    return found


async def said(house: House, folder: Path, *words: str) -> tuple[int, str]:
    """What it prints, with errors, and its exit status."""
    model = {"model_id": "nitro", "model_name": "auto", "api_base": house.v1, "api_key_name": "nitro"}
    (folder / "extra-openai-models.yaml").write_text(yaml.safe_dump([model]), encoding="utf-8")
    # The model in Nitro's own wheel names itself a plugin of this tool; its engine is another one here.
    environment = os.environ | {"LLM_USER_PATH": str(folder), "LLM_LOAD_PLUGINS": ""}
    environment.pop("PYTHONPATH", None)
    process = await asyncio.create_subprocess_exec(
        program(),
        "-m",
        "nitro",
        *words,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize("more", [[], ["--no-stream"]])
async def test_a_question_is_answered(house: House, tmp_path: Path, more: list[str]) -> None:
    status, text = await said(house, tmp_path, *more, "--key", house.alice, "-o", "max_tokens", "12", "Say hello.")
    assert status == 0, text
    assert text.strip()


async def test_a_wrong_key_is_told(house: House, tmp_path: Path) -> None:
    status, text = await said(house, tmp_path, "--key", "nk_wrong", "Say hello.")
    assert status != 0
    assert "unknown" in text
