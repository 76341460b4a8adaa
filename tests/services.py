"""A pytest plugin, loaded before the settings: the tests' own PostgreSQL and Redis, unless others are configured."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.process import end, spawn, wait_until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
_children: list[tuple[Postgres | Redis, subprocess.Popen[bytes]]] = []


def _claim(home: Path) -> int | None:
    """The lock of a data folder, None where another session of tests has it. Held until this process ends."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / "tests.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _choose_home() -> tuple[Path, bool]:
    """The data folder, and whether it is a temporary one because somebody else tests in the usual one."""
    usual = Path(os.environ.get("NITRO_TEST_HOME", ROOT / ".tests-home"))
    if _claim(usual) is not None:
        return usual, False
    spare = Path(tempfile.mkdtemp(prefix="nitro-tests-"))
    spare.chmod(0o755)
    _claim(spare)
    return spare, True


HOME, TEMPORARY = _choose_home()
os.environ["NITRO_HOME"] = str(HOME)
# The same question is asked again and again in tests, and shall be answered; those of caches and limits set their own.
os.environ.setdefault("CACHE_TTL", "0")
os.environ.setdefault("RATE_LIMIT_CHAT", "1000000/minute")
(HOME / "static").mkdir(exist_ok=True)  # WhiteNoise warns where there is none


def _start(service: Postgres | Redis) -> None:
    service.prepare()
    with (HOME / f"{service.name}.log").open("wb") as log:
        child = spawn(service.program(), log)
    _children.append((service, child))
    answered = wait_until(lambda: service.ready() or child.poll() is not None, START_SECONDS)
    if not answered or child.poll() is not None:
        log_text = (HOME / f"{service.name}.log").read_text(encoding="utf-8", errors="replace")
        raise pytest.UsageError(f"The tests' {service.name} did not start:\n{log_text[-2000:]}")


def pytest_configure() -> None:
    """Start what is not configured by address."""
    if not os.environ.get("DATABASE_URL"):
        _start(Postgres(HOME, durable=False))
    if not os.environ.get("REDIS_URL"):
        _start(Redis(HOME))


def pytest_unconfigure() -> None:
    """Stop it all again; a temporary folder goes too."""
    while _children:
        service, child = _children.pop()
        program = service.program()
        end(child, program.stop_signal, program.grace)
    if TEMPORARY:
        shutil.rmtree(HOME, ignore_errors=True)
