"""The image, built and looked into where an engine for containers is; where there is none, that is said loudly."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def answers(name: str) -> bool:
    """Whether an engine is there and answers: its command alone builds nothing."""
    if shutil.which(name) is None:
        return False
    return subprocess.run([name, "info"], capture_output=True, timeout=30, check=False).returncode == 0


ENGINE = next((name for name in ("docker", "podman") if answers(name)), "")
MOST_MB = 1_500
TAG = "nitro:inspected"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not ENGINE, reason="THE IMAGE IS NEITHER BUILT NOR INSPECTED: no docker or podman answers here"),
]


def engine(*words: str) -> str:
    done = subprocess.run([ENGINE, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    engine("build", "--tag", TAG, ".")
    yield TAG
    engine("rmi", "--force", TAG)


def inside(image: str, *words: str) -> str:
    return engine("run", "--rm", image, *words)


def test_it_runs_as_an_ordinary_user_who_can_write_the_data_and_not_the_program(image: str) -> None:
    assert inside(image, "id", "-u") == "10001"
    assert inside(image, "sh", "-c", "touch /data/x && echo yes") == "yes"
    assert inside(image, "sh", "-c", "touch /app/x 2>/dev/null || echo no") == "no"


def test_its_static_files_are_compiled(image: str) -> None:
    assert "staticfiles.json" in inside(image, "ls", "/app/compiled")


def test_neither_secrets_nor_tools_of_the_build_are_in_it(image: str) -> None:
    found = inside(
        image, "sh", "-c", "find / -xdev \\( -name .env -o -name secret_key -o -name .git \\) 2>/dev/null; true"
    )
    assert found == ""
    assert inside(image, "sh", "-c", "command -v gcc || echo none") == "none"


def test_every_role_says_what_it_takes(image: str) -> None:
    for role in ("up", "web", "worker", "beat"):
        assert "usage" in inside(image, "nitro", role, "--help")


def test_it_is_small(image: str) -> None:
    size = int(engine("image", "inspect", image, "--format", "{{.Size}}"))
    assert size < MOST_MB * 1_000_000, f"{size / 1e6:.0f} MB"
