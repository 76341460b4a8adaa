"""Every example of docs/api-examples.md runs as it stands, against a running Nitro."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

import pytest

from tests.programs.conftest import ROOT, House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.model]
BLOCK = re.compile(r"^```(sh|python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## ", re.MULTILINE)
PROGRAMS = {
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-W", "ignore", "-c"],
    "js": ["node", "--input-type=module", "-e"],
}


def examples() -> list[tuple[str, str, str]]:
    """Section, language and text of each block."""
    sections = SECTION.split((ROOT / "docs/api-examples.md").read_text(encoding="utf-8"))[1:]
    return [(part.partition("\n")[0], *block) for part in sections for block in BLOCK.findall(part)]


EXAMPLES = [pytest.param(language, text, id=f"{name} {language}") for name, language, text in examples()]


async def test_every_section_has_an_example_in_each_language() -> None:
    found = examples()
    sections = {name for name, _, _ in found}
    assert len(sections) >= 7
    assert {(name, language) for name, language, _ in found} == {(s, p) for s in sections for p in PROGRAMS}


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
async def test_an_example_runs_as_it_stands(house: House, tmp_path: Path, language: str, text: str) -> None:
    program, *words = PROGRAMS[language]
    if shutil.which(program) is None:
        warnings.warn(pytest.PytestWarning(f"No {program} here: this example was NOT run."), stacklevel=1)
        pytest.skip(f"no {program}")
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        text,
        cwd=tmp_path,
        env=os.environ | {"NITRO_URL": house.base, "NITRO_KEY": house.alice},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert out
