"""What the nightly cleanup costs while people go on: `python -m benchmarks.cleanup [--chats 100000] [--messages 10]`.

Makes idle chats in a database of its own, hides them and removes them for good in a process of its own, as the worker
does, while a writer beside it does what people do: a message into a chat in use, and now and then an old chat that is
opened again. Prints the memory of the cleaning process and how long the writer ever waited.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from nitro import embedded
from nitro.embedded.postgres import Postgres
from nitro.process import end, spawn, wait_until

ROOT = Path(__file__).resolve().parent.parent
PAUSE = 0.02  # seconds between two writes
USERS = 200
FILL = (
    """INSERT INTO chat_conversation (id, owner_id, title, model, created_at, updated_at)
        SELECT gen_random_uuid(), (SELECT min(id) FROM nitro_user) + n % {users}, 'Chat ' || n, '',
            now() - interval '60 days', now() - interval '60 days' FROM generate_series(1, {chats}) n""",
    """INSERT INTO chat_message (id, conversation_id, position, role, text, reasoning, html, html_version, created_at)
        SELECT gen_random_uuid(), c.id, n, CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
            repeat('Some words of a chat. ', 20), '', repeat('<p>Some words of a chat.</p> ', 20), 1, c.created_at
        FROM chat_conversation c CROSS JOIN generate_series(0, {messages} - 1) n""",
    """INSERT INTO chat_turn (id, conversation_id, question_id, answer_id, kind, request_id, state, finish_reason,
            owner, stop_requested, base_length, marks, choice, provider, model, fallback_from, cached, error_code,
            error_message, error_hint, created_at)
        SELECT gen_random_uuid(), q.conversation_id, q.id, a.id, 'ask', gen_random_uuid(), 'done', 'stop', '', false, 0,
            '{{}}', '', '', '', '', false, '', '', '', q.created_at
        FROM chat_message q JOIN chat_message a ON a.conversation_id = q.conversation_id AND a.position = q.position + 1
        WHERE q.role = 'user'""",
    "UPDATE chat_conversation SET title = 'In use' WHERE id = (SELECT min(id::text)::uuid FROM chat_conversation "
    "WHERE title = '')",
    "ANALYZE",
)
WRITE = """INSERT INTO chat_message (id, conversation_id, position, role, text, reasoning, html, html_version,
        created_at) SELECT gen_random_uuid(), id, 0, 'user', 'Good day', '', '', 0, now()
    FROM chat_conversation WHERE title = 'In use'"""
OPEN = "UPDATE chat_conversation SET updated_at = now() WHERE title = 'Chat ' || %s AND deleted_at IS NULL"


class Writer(threading.Thread):
    """Somebody who uses Nitro meanwhile; every twentieth time an old chat is opened in the middle of its cleanup."""

    def __init__(self, dsn: str, chats: int) -> None:
        super().__init__(daemon=True)
        self.dsn, self.chats = dsn, chats
        self.waits: list[float] = []
        self.ending = threading.Event()

    def run(self) -> None:
        """Write until told to stop, and note how long each write took."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            number = 0
            while not self.ending.wait(PAUSE):
                number += 1
                began = time.perf_counter()
                if number % 20:
                    connection.execute(WRITE)
                else:
                    connection.execute(OPEN, [str(number * 7919 % self.chats)])
                self.waits.append(time.perf_counter() - began)

    def figures(self) -> dict[str, float]:
        """Milliseconds of a write: half of them, 19 of 20, the longest."""
        waits = sorted(1000 * wait for wait in self.waits) or [0.0]
        twentieths = statistics.quantiles(waits, n=20) if len(waits) > 1 else waits * 19
        return {"writes": len(waits), "p50_ms": twentieths[9], "p95_ms": twentieths[18], "longest_ms": waits[-1]}


@contextmanager
def database() -> Iterator[tuple[str, dict[str, str]]]:
    """A fresh PostgreSQL with all tables: its address, and the environment of programs that use it."""
    home = Path(tempfile.mkdtemp(prefix="nitro-bench-"))
    home.chmod(0o755)
    postgres = Postgres(home)
    postgres.prepare()
    child = spawn(postgres.program())
    try:
        assert wait_until(postgres.ready, 60)
        environment = {**os.environ, "NITRO_HOME": str(home), "REDIS_URL": "redis://127.0.0.1:1/0"}
        environment.pop("DATABASE_URL", None)
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)
        argv = [sys.executable, "-m", "benchmarks.rows", str(USERS)]
        environment |= {"DJANGO_SETTINGS_MODULE": "nitro.settings", "PYTHONPATH": str(ROOT)}
        subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield embedded.database_url(home), environment
    finally:
        end(child, signal.SIGINT, 20)
        shutil.rmtree(home, ignore_errors=True)


def clean() -> None:
    """In the process of its own: hide everything, then remove it for good; prints seconds and memory as JSON."""
    import django

    django.setup()
    from datetime import timedelta

    from django.utils import timezone

    from apps.chat import conversation_services, retention
    from apps.core.retention import AT_ONCE

    before, found = peak(), {}
    began = time.perf_counter()
    hidden = _all(lambda: retention.hide(timezone.now() - timedelta(days=30), AT_ONCE))
    found["hide_seconds"] = time.perf_counter() - began
    began = time.perf_counter()
    purged = _all(lambda: conversation_services.conversations_purge(now=timezone.now() + timedelta(days=2)))
    found["purge_seconds"] = time.perf_counter() - began
    print(json.dumps({**found, "hidden": hidden, "purged": purged, "before_mb": before, "peak_mb": peak()}))


def _all(step: object) -> int:
    assert callable(step)
    total = 0
    while count := step():
        total += count
    return total


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def measure(chats: int, messages: int) -> dict[str, float]:
    """Fill, clean and write at once; the figures."""
    with database() as (dsn, environment):
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in FILL:
                connection.execute(statement.format(users=USERS, chats=chats, messages=messages))
        calm = Writer(dsn, chats)
        calm.start()
        time.sleep(5)
        calm.ending.set()
        writer = Writer(dsn, chats)
        writer.start()
        argv = [sys.executable, "-m", "benchmarks.cleanup", "--clean"]
        done = subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
        writer.ending.set()
        writer.join()
        calm_figures = {f"calm_{name}": value for name, value in calm.figures().items()}
        return {**json.loads(done.stdout), **writer.figures(), **calm_figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=10, help="in each chat")
    parser.add_argument("--clean", action="store_true", help="be the process that cleans")
    given = parser.parse_args()
    if given.clean:
        clean()
        return
    for name, value in measure(given.chats, given.messages).items():
        print(f"{name:<16} {value:,.1f}")


if __name__ == "__main__":
    main()
