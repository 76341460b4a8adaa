"""`nitro up` for the first time by somebody who is not root, in tests that root runs."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nitro.test_up import ROOT, Up, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SOMEBODY = "nobody"


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter that is not locked away in root's own folder."""
    if os.geteuid() != 0:
        pytest.skip("All tests of `nitro up` run without root here.")
    for path in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}")):
        try:
            subprocess.run(
                [str(path), "-c", "import django, redis.asyncio"],
                env=packages(),
                user=SOMEBODY,
                extra_groups=[],
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return str(path)
    pytest.skip(f"No Python of this version that {SOMEBODY} may run.")


def packages() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")]), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nitro-somebody-"))
    os.chown(folder, pwd.getpwnam(SOMEBODY).pw_uid, -1)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_first_start_needs_no_root(python: str, home: Path) -> None:
    env = environment(home) | packages() | {"HOME": str(home)}
    with Up(home, python=python, env=env, user=SOMEBODY, extra_groups=[]) as up:
        assert up.says("Nitro is ready"), "".join(up.lines)
        assert up.answers()
        assert "starting it again" not in "".join(up.lines)
        assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("postgres", "redis")} == {0o700}
        assert up.end() == 0
