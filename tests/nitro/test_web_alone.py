"""`nitro web` where no `nitro up` prepares anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_machine_on_which_nothing_is_prepared_is_told_so_before_anybody_comes(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"STATIC_FOLDER", "NITRO_ROLE"}}
    done = subprocess.run(
        [sys.executable, "-m", "nitro", "web", "--port", "0"],
        cwd=ROOT,
        env=environment | {"NITRO_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Run `nitro prepare` on this machine first." in done.stderr
    assert len(done.stderr.splitlines()) == 1
