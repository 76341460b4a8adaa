"""`nitro up` for real: what it starts, what it survives and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from nitro.holder import read_note
from nitro.process import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]


class Up:
    """A running `nitro up` with a data folder and a port of its own, as long as its block lasts."""

    def __init__(self, home: Path, *words: str, python: str = sys.executable, **how: Any) -> None:
        """`how` is for subprocess: `user` for example."""
        self.home = home
        self.port = free_port()
        self.lines: list[str] = []
        argv = [python, "-m", "nitro", "up", "--port", str(self.port), *words]
        how = {"env": environment(home)} | how
        self.process = subprocess.Popen(
            argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line for line in iter(self.process.stdout.readline, ""))

    def says(self, text: str, seconds: float = 120) -> bool:
        return wait_until(lambda: text in "".join(self.lines), seconds)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def children(self) -> dict[str, psutil.Process]:
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # one that has just died
                found[name_of(child)] = child
        return found

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.reader.join(5)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def name_of(child: psutil.Process) -> str:
    words = " ".join(child.cmdline())
    for name in ("nitro.web", "nitro.worker", "nitro.embedded.model"):
        if name in words:
            slot = child.environ().get("NITRO_SLOT", "")
            return slot or name.rpartition(".")[2]
    return "postgres" if "postgres" in child.name() else "redis"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    dropped = {"DATABASE_URL", "REDIS_URL", "NITRO_ROLE", "NITRO_SLOT", "DJANGO_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"NITRO_HOME": str(home), "AI_MODEL": "builtin"}


def nitro(words: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nitro", *words]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nitro-up-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    with Up(home) as running:
        assert running.says("Nitro is ready"), "".join(running.lines)
        yield running


def test_one_line_says_where_the_page_is_and_how_to_sign_in(up: Up) -> None:
    ready = [line for line in up.lines if "Nitro is ready" in line]
    assert len(ready) == 1
    assert ready[0].startswith(f"Nitro is ready: http://127.0.0.1:{up.port}/accounts/link/")


def test_everything_runs(up: Up) -> None:
    expected = {"postgres", "redis", "model", "worker", "web-1"}
    assert wait_until(lambda: expected <= set(up.children()), 30)
    assert up.answers()


@pytest.mark.parametrize("name", ["web-1", "worker", "model", "redis", "postgres"])
def test_what_is_killed_comes_back_and_the_others_stay(up: Up, name: str) -> None:
    assert wait_until(lambda: name in up.children(), 30)
    before = up.children()
    before[name].kill()
    assert wait_until(lambda: up.children().get(name, before[name]).pid != before[name].pid, 60)
    assert wait_until(up.answers, 60)
    after = up.children()
    others = set(before) - {name}
    assert {other: after[other].pid for other in others} == {other: before[other].pid for other in others}


def test_a_second_one_is_told_who_holds_the_folder(up: Up, home: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "nitro", "up"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"pid {up.process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_a_port_in_use_is_said_in_one_sentence(up: Up, tmp_path: Path) -> None:
    other = nitro(["up", "--port", str(up.port)], environment(tmp_path))
    assert other.returncode == 1
    assert other.stderr.startswith(f"nitro: Port {up.port} is in use")


def doctor(home: Path) -> subprocess.CompletedProcess[str]:
    """It needs what was just killed to be back and to have said so."""
    return subprocess.run(
        [sys.executable, "-m", "nitro", "doctor"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_doctor_finds_nothing_wrong(up: Up, home: Path) -> None:
    assert wait_until(lambda: doctor(home).returncode == 0, 90, 2), doctor(home).stdout


def test_the_note_says_where_it_runs(up: Up, home: Path) -> None:
    note = read_note(home)
    assert note["pid"] == up.process.pid
    assert note["url"] == f"http://127.0.0.1:{up.port}/"


def test_kill_9_of_the_supervisor_takes_everything_along_and_the_next_start_works(up: Up, home: Path) -> None:
    children = psutil.Process(up.process.pid).children(recursive=True)
    up.process.kill()
    up.process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    with Up(home) as again:
        assert again.says("Nitro is ready"), "".join(again.lines)
        assert again.answers()
        assert again.end() == 0
    assert read_note(home) == {}


def test_sigterm_ends_everything_in_order_and_a_new_start_finds_its_data(home: Path) -> None:
    with Up(home) as up:
        assert up.says("Nitro is ready"), "".join(up.lines)
        children = psutil.Process(up.process.pid).children(recursive=True)
        assert up.end() == 0
        assert [child for child in children if child.is_running()] == []
    assert "was killed" not in "".join(up.lines)


def test_a_wrong_setting_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    wrong = environment(tmp_path) | {"DB_POOL_MAX": "many"}
    done = nitro(["up"], wrong)
    assert done.returncode == 1
    assert done.stderr.startswith("nitro: DB_POOL_MAX is 'many', but it must be")
    assert len(done.stderr.splitlines()) == 1
