"""What Nitro does not bring along can be installed beside it, by the command that every hint names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from nitro import extras

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("apps", "nitro", "templates", "docs", "deploy", "README.md", "Dockerfile", "docker-compose.yml")


def told() -> list[tuple[str, str]]:
    """Every line of the product and its documentation that names the command, or pip."""
    names = subprocess.run(["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [(name, line) for name in names.split() for line in text_of(ROOT / name).splitlines()]
    return [(name, line) for name, line in lines if "nitro extras" in line or "pip install" in line]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_every_hint_names_an_extra_that_exists() -> None:
    found = {name for _, line in told() for name in re.findall(r"nitro extras ([a-z0-9-]+)", line)}
    assert found == set(extras.extras())


def test_nobody_is_sent_to_a_registry_for_nitro_itself() -> None:
    assert {where for where, line in told() if "nitro-ai" in line} <= {"docs/decisions.md"}  # which says why


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert extras.main([]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == sorted(extras.extras())


def test_one_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        extras.main(["ears"])
    assert ended.value.code == 2
    assert "no extra 'ears'; there are diffusion, google-speech, otel" in capsys.readouterr().err


def test_what_is_installed_already_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "extras", lambda: {"here": ["orjson>=3", "channels[daphne]>=4"]})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert extras.main(["here"]) == 0
    assert "already satisfied: orjson" in capfd.readouterr().out
    extras.main([])
    assert re.search(r"here +installed", capfd.readouterr().out)


def test_the_lock_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.extend([*argv, Path(argv[argv.index("--constraint") + 1]).read_text(encoding="utf-8")])
        return subprocess.CompletedProcess(argv, 7)

    monkeypatch.setattr(subprocess, "run", run)
    assert extras.install(["otel", "piper"]) == 7
    assert [word for word in asked if ">=" in word and "\n" not in word] == [
        *extras.extras()["otel"],
        *extras.extras()["piper"],
    ]
    assert re.search(r"^django==5\.2\.\d+$", asked[-1], re.MULTILINE)
    assert "--hash" not in asked[-1]
    assert "nitro" not in asked[-1].split()


def test_a_package_that_is_missing_is_no_extra_that_is_there() -> None:
    assert not extras.is_there(["orjson>=3", "certainly-not-there>=1"])
