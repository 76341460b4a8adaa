"""A whole Nitro of real processes that a test may kill: PostgreSQL, Redis, a stand-in model, two web processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg

from nitro import embedded
from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.listening import listen
from nitro.process import Program, end, spawn, wait_until
from tests.faults.proxy import Proxy
from tests.nitro.web_process import answers

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
FAULTS = int(os.environ.get("NITRO_FAULTS", "20"))  # how often each random fault happens; 100 before a release
TOKENS_PER_SECOND = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WebProcess:
    """One slot: its listening socket stays open while processes come and go, as under `nitro up`."""

    def __init__(self, house: House, name: str, **environment: str) -> None:
        self.house, self.name, self.environment = house, name, environment
        self.listening = listen("127.0.0.1", 0)
        self.port = int(self.listening.getsockname()[1])
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def start(self) -> None:
        """Start it; returns at once."""
        fd = self.listening.fileno()
        environment = self.house.environment | {"NITRO_ROLE": "web", "NITRO_SLOT": self.name} | self.environment
        program = Program(
            [sys.executable, "-m", "nitro.web", "--fd", str(fd)],
            environment=environment,
            pass_fds=[fd],
            folder=str(ROOT),
        )
        with (self.house.home / f"{self.name}.log").open("ab") as log:
            self.child = spawn(program, log)

    def wait(self) -> None:
        """Until it answers."""
        assert wait_until(lambda: answers(self.port), START_SECONDS), self.log()[-2000:]

    def kill(self) -> None:
        """kill -9"""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def revive(self) -> None:
        if self.child is None or self.child.poll() is not None:
            self.start()
        self.wait()

    def log(self) -> str:
        return (self.house.home / f"{self.name}.log").read_text(encoding="utf-8", errors="replace")

    def megabytes(self) -> float:
        """What it has resident now."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        self.kill()
        self.listening.close()


class Worker:
    """A worker of the house, with its beat."""

    def __init__(self, house: House, name: str = "worker", **environment: str) -> None:
        self.house, self.name, self.environment = house, name, environment
        self.start()

    def start(self) -> None:
        environment = {**os.environ, **self.house.environment, "NITRO_ROLE": "worker", **self.environment}
        with (self.house.home / f"{self.name}.log").open("ab") as log:
            argv = [sys.executable, "-m", "nitro.worker"]
            self.child = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9"""
        self.child.kill()
        self.child.wait()

    def log(self) -> str:
        return (self.house.home / f"{self.name}.log").read_text(encoding="utf-8", errors="replace")


class House:
    """Everything under one roof. PostgreSQL and Redis are reached through proxies, by Nitro but not by the tests."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="nitro-faults-"))
        self.home.chmod(0o755)
        self.postgres, self.redis = Postgres(self.home), Redis(self.home)
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.model_port, self.ollama_port = free_port(), free_port()
        self.start_store(self.postgres)
        self.start_store(self.redis)
        self.start_model()
        self.database_proxy = Proxy(self.postgres.sockets / ".s.PGSQL.5432")
        self.redis_proxy = Proxy(self.redis.socket)
        self.environment = {
            "NITRO_HOME": str(self.home),
            "DATABASE_URL": f"postgresql://nitro@127.0.0.1:{self.database_proxy.port}/nitro",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_proxy.port}/0",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "AI_MODEL": "openai",
            "OLLAMA_BASE_URL": f"http://127.0.0.1:{self.ollama_port}",  # where nobody is unless a test says so
            "DB_POOL_MIN": "2",
            "RATE_LIMIT_CHAT": "100000/minute",
            "CACHE_TTL": "0",
            "LOG_LEVEL": "INFO",
        }
        self.web = [WebProcess(self, "web1"), WebProcess(self, "web2")]
        self._run("-m", "nitro.prepare", str(self.home), "tests")
        self.key = self._run("manage.py", "apikey", "create", "--user", "owner", "--name", "tests").split()[-1]
        self.database = psycopg.connect(embedded.database_url(self.home), autocommit=True)

    def _run(self, *arguments: str) -> str:
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    # --- stores and the model ---

    def start_store(self, store: Postgres | Redis) -> None:
        """Start it as `nitro up` does, and wait until it answers."""
        self.launch(store)
        assert wait_until(store.ready, START_SECONDS)

    def launch(self, store: Postgres | Redis) -> None:
        """Start it; returns at once. Called in the main thread: a child dies with the thread that started it."""
        store.prepare()
        with (self.home / f"{store.name}.log").open("ab") as log:
            self.children[store.name] = spawn(store.program(), log)

    def crash_database(self) -> None:
        """PostgreSQL's immediate shutdown: every connection breaks, and it recovers from its log."""
        end(self.children["postgres"], signal.SIGQUIT, 20)

    def stop_database(self) -> None:
        """PostgreSQL's fast shutdown, as for an update."""
        end(self.children["postgres"], signal.SIGINT, 20)

    def start_model(self) -> None:
        argv = [sys.executable, "-m", "benchmarks.standin", "--port", str(self.model_port)]
        argv += ["--rate", str(TOKENS_PER_SECOND), "--tokens", "40"]
        self.children["model"] = spawn(Program(argv, folder=str(ROOT)))
        assert wait_until(lambda: answers(self.model_port), START_SECONDS)

    def model_stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.model_port}/stats", timeout=5) as answer:
            return cast("dict[str, int]", json.load(answer))

    # --- what is saved ---

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database past the proxy."""
        try:
            return self.database.execute(statement, values).fetchall()
        except psycopg.OperationalError:  # it was restarted since
            self.database.close()
            self.database = psycopg.connect(embedded.database_url(self.home), autocommit=True)
            return self.database.execute(statement, values).fetchall()

    def new_conversation(self) -> str:
        """A chat of the owner's."""
        statement = """INSERT INTO chat_conversation (id, owner_id, title, model, created_at, updated_at)
            SELECT gen_random_uuid(), id, '', '', now(), now() FROM nitro_user WHERE username = 'owner' RETURNING id"""
        return str(self.rows(statement)[0][0])

    def text_of(self, message: str) -> str:
        found = self.rows("SELECT text FROM chat_message WHERE id = %s", message)
        return str(found[0][0]) if found else "(there is no such message)"

    def state_of(self, turn: str) -> str:
        return str(self.rows("SELECT state FROM chat_turn WHERE id = %s", turn)[0][0])

    # --- order ---

    def tidy(self) -> None:
        """Everything up again, whatever a test has broken."""
        self.database_proxy.set("up")
        self.redis_proxy.set("up")
        if self.children["postgres"].poll() is not None:
            self.start_store(self.postgres)
        if self.children["model"].poll() is not None:
            self.start_model()
        for web in self.web:
            web.revive()

    def close(self) -> None:
        for web in self.web:
            web.close()
        self.database_proxy.close()
        self.redis_proxy.close()
        self.database.close()
        end(self.children["model"], signal.SIGTERM, 5)
        end(self.children["redis"], signal.SIGTERM, 5)
        end(self.children["postgres"], signal.SIGINT, 20)
        _remove(self.home)


def _remove(folder: Path) -> None:
    subprocess.run(["rm", "-rf", str(folder)], check=False)


def numbered(first: int, last: int) -> str:
    """The stand-in's words from one number to another."""
    return "".join(f"t{number:05d} " for number in range(first, last + 1))


def count_of(text: str) -> int:
    """How many tokens a text has; fails where one is missing, doubled or cut."""
    count = text.count("t")
    assert text == numbered(1, count), text[-200:]
    return count


def wait_for(true: Any, seconds: float) -> float:
    """Seconds until it became true; fails when that takes too long."""
    began = time.monotonic()
    assert wait_until(true, seconds), f"not within {seconds} s"
    return time.monotonic() - began


@contextmanager
def two_webs(house: House, name: str, **environment: str) -> Iterator[list[WebProcess]]:
    """Two web processes beside the house's own, with settings of theirs."""
    found = [WebProcess(house, f"{name}{number}", **environment) for number in (1, 2)]
    try:
        for web in found:
            web.start()
        for web in found:
            web.wait()
        yield found
    finally:
        for web in found:
            web.close()
