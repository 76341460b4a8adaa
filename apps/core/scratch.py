"""A folder for one piece of work, gone with it; what a killed process has left in one goes, too."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "nitro-work-"
HELD = "held"  # locked while somebody works; the kernel lets go of it with the process
YOUNG_SECONDS = 60.0  # so long a folder may be without its lock


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder for the time of the block; takes away what dead processes have left before."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / HELD).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(*, older_than: float = YOUNG_SECONDS) -> int:
    """Remove the folders in which nobody works any more, of this machine and user; returns how many."""
    found = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_left(path, older_than)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _is_left(path: Path, older_than: float) -> bool:
    try:
        about = path.lstat()
        is_ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
        return is_ours and time.time() - about.st_mtime > older_than and not _is_held(path / HELD)
    except FileNotFoundError:  # its owner was faster
        return False


def _is_held(path: Path) -> bool:
    if not path.exists():  # killed before it could lock anything
        return False
    with path.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
