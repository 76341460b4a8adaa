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

from apps.core.documentation import description
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


EXAMPLES = [pytest.param(name, language, text, id=f"{name} {language}") for name, language, text in examples()]
# Which operation a call of OpenAI's package is.
OPENAI = {
    "client.chat.completions.create": "POST /v1/chat/completions",
    "client.models.list": "GET /v1/models",
    "client.models.retrieve": "GET /v1/models/x",
    "client.embeddings.create": "POST /v1/embeddings",
    "client.images.generate": "POST /v1/images/generations",
    "client.audio.speech.create": "POST /v1/audio/speech",
    "client.audio.transcriptions.create": "POST /v1/audio/transcriptions",
}
CURL = re.compile(r'curl (?P<before>[^"]*)"\$NITRO_URL(?P<path>/[^"?]*)[^"]*"(?P<after>.*)')
REQUESTS = re.compile(r'requests\.(?P<method>\w+)\(\s*f"\{nitro\}(?P<path>/[^"?]*)')
FETCH = re.compile(r"fetch\(`\$\{(?:nitro|process\.env\.NITRO_URL)\}(?P<path>/[^`?]*)[^`]*`(?P<after>[^)]*)\)")
METHOD = re.compile(r'(?:-X |method: ")(\w+)')


def asked(language: str, text: str) -> set[str]:
    """The operations that an example asks for: method and address, with whatever stands for an id."""
    if language == "python":
        found = {f"{one['method'].upper()} {one['path']}" for one in REQUESTS.finditer(text)}
        return found | {operation for call, operation in OPENAI.items() if f"{call}(" in text}
    lines = text.replace("\\\n", " ") if language == "sh" else text
    return {_operation(one) for one in (CURL if language == "sh" else FETCH).finditer(lines)}


def _operation(found: re.Match[str]) -> str:
    said = METHOD.search(found.groupdict().get("before", "") + found["after"])
    sends = re.search(r" (?:-d|-F|--data-binary) ", found["after"].partition("|")[0])
    return f"{said[1] if said else 'POST' if sends else 'GET'} {found['path']}"


@pytest.mark.parametrize("language", PROGRAMS)
async def test_every_operation_has_an_example_in_each_language(language: str) -> None:
    wanted = {f"{method.upper()} {path}" for path, methods in description()["paths"].items() for method in methods}
    there = {one for _, spoken, text in examples() if spoken == language for one in asked(language, text)}
    missing = [one for one in wanted if not any(re.fullmatch(_pattern(one), found) for found in there)]
    assert not missing


def _pattern(operation: str) -> str:
    """Ids are anything without a slash in it; a constant part of another address never stands for one."""
    return re.sub(r"\\\{\w+\\\}", r"(?!batch/|import/|pull/)[^/ ]+", re.escape(operation))


async def test_every_section_has_an_example_in_each_language() -> None:
    found = examples()
    sections = {name for name, _, _ in found}
    assert len(sections) >= 7
    assert {(name, language) for name, language, _ in found} == {(s, p) for s in sections for p in PROGRAMS}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "language", "text"), EXAMPLES)
async def test_an_example_runs_as_it_stands(house: House, tmp_path: Path, name: str, language: str, text: str) -> None:
    program, *words = PROGRAMS[language]
    if shutil.which(program) is None:
        warnings.warn(pytest.PytestWarning(f"No {program} here: this example was NOT run."), stacklevel=1)
        pytest.skip(f"no {program}")
    key = house.chief if "administrators" in name else house.alice
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        text,
        cwd=tmp_path,
        env=os.environ | {"NITRO_URL": house.base, "NITRO_KEY": key},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert out
