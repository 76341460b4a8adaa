"""The embedded PostgreSQL and Redis: start, stop, and a start after kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis as redis_client

from nitro import embedded
from nitro.embedded.errors import ServiceError
from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.process import end, spawn, wait_until

Child = subprocess.Popen[bytes]


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nitro-home-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def start(service: Postgres | Redis) -> Child:
    service.prepare()
    child = spawn(service.program())
    assert wait_until(service.ready, 30)
    return child


def stop(service: Postgres | Redis, child: Child) -> int:
    program = service.program()
    return end(child, program.stop_signal, program.grace)


def ask(home: Path, question: str) -> object:
    with psycopg.connect(embedded.database_url(home), autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchone() if cursor.description else None


def test_postgres_starts_answers_and_stops(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    child = start(postgres)
    encoding = ask(home, "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = 'nitro'")
    assert encoding == ("UTF8", "C.UTF-8")
    assert postgres.pid() == child.pid
    assert stop(postgres, child) == 0
    assert not postgres.ready()


def test_postgres_listens_on_no_port(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    child = start(postgres)
    assert ask(home, "SHOW listen_addresses") == ("",)
    stop(postgres, child)


def test_the_role_of_nitro_is_no_superuser(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    child = start(postgres)
    assert ask(home, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == (False,)
    stop(postgres, child)


def test_what_was_committed_survives_kill_9_of_postgres(home: Path) -> None:
    postgres = Postgres(home)
    child = start(postgres)
    ask(home, "CREATE TABLE note (text text)")
    ask(home, "INSERT INTO note VALUES ('kept')")
    child.kill()
    child.wait()
    assert wait_until(lambda: not_running(home), 10)
    child = start(postgres)
    assert ask(home, "SELECT text FROM note") == ("kept",)
    stop(postgres, child)


def not_running(home: Path) -> bool:
    """Whether the last process of a killed server has gone, too."""
    found = subprocess.run(["pgrep", "-f", f"-D {home}/postgres"], capture_output=True, check=False)
    return found.returncode != 0


def test_a_pid_that_belongs_to_somebody_else_now_does_not_matter(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    stop(postgres, start(postgres))
    (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n", encoding="utf-8")
    stop(postgres, start(postgres))


def test_an_orphaned_postgres_is_stopped_before_the_next_starts(home: Path) -> None:
    postgres = Postgres(home, durable=False)
    orphan = start(postgres)
    child = start(postgres)
    assert orphan.wait(10) == 0
    assert postgres.pid() == child.pid
    stop(postgres, child)


def test_a_start_that_was_cut_short_leaves_nothing_in_the_way(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n", encoding="utf-8")
    postgres = Postgres(home, durable=False)
    stop(postgres, start(postgres))


def test_postgres_dies_with_its_parent(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from nitro.embedded.postgres import Postgres; from nitro.process import spawn, wait_until\n"
        "p = Postgres(Path(sys.argv[1]), durable=False); p.prepare(); spawn(p.program())\n"
        "wait_until(p.ready, 30); print('up', flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", code, str(home)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.kill()
    assert wait_until(lambda: Postgres(home).pid() is None, 15)


def test_a_data_folder_with_a_very_long_path_works(home: Path) -> None:
    long = home / ("a" * 80) / ("b" * 80)
    long.mkdir(parents=True)
    postgres, redis = Postgres(long, durable=False), Redis(long)
    children = [start(postgres), start(redis)]
    assert ask(long, "SELECT 1") == (1,)
    stop(postgres, children[0])
    stop(redis, children[1])
    shutil.rmtree(embedded.run_folder(long))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_closed_home_without_a_way_in_is_explained(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.chmod(0o700)
    monkeypatch.setattr("nitro.embedded.postgres.shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(ServiceError, match=rf"may not enter {home}.*chmod o\+x"):
        Postgres(home, durable=False).prepare()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_root_with_a_closed_home_starts_all_the_same(home: Path) -> None:
    home.chmod(0o700)
    postgres = Postgres(home, durable=False)
    child = start(postgres)
    assert ask(home, "SELECT 1") == (1,)
    stop(postgres, child)


def test_redis_keeps_what_it_was_told_over_kill_9(home: Path) -> None:
    redis = Redis(home)
    child = start(redis)
    with client(home) as wire:
        wire.set("word", "kept")
        wire.config_set("appendfsync", "always")
        wire.set("last", "kept")
    child.kill()
    child.wait()
    child = start(redis)
    with client(home) as wire:
        assert wire.get("word") == b"kept"
    assert stop(redis, child) == 0


def test_a_folder_of_redis_without_a_way_in_is_opened(home: Path) -> None:
    redis = Redis(home)
    redis.data.mkdir(mode=0o600)
    redis.prepare()
    assert stat.S_IMODE(redis.data.stat().st_mode) == 0o700


def client(home: Path) -> redis_client.Redis:
    return redis_client.Redis.from_url(embedded.redis_url(home))


def test_redis_never_evicts_what_has_no_time_to_live(home: Path) -> None:
    redis = Redis(home)
    child = start(redis)
    with client(home) as wire:
        assert wire.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
        assert wire.config_get("appendonly") == {"appendonly": "yes"}
        assert wire.config_get("port") == {"port": "0"}
    stop(redis, child)


def test_an_orphaned_redis_is_stopped_before_the_next_starts(home: Path) -> None:
    redis = Redis(home)
    orphan = start(redis)
    child = start(redis)
    assert orphan.wait(10) == 0
    stop(redis, child)


def test_a_file_cut_off_in_the_middle_is_read_as_far_as_it_goes(home: Path) -> None:
    redis = Redis(home)
    child = start(redis)
    with client(home) as wire:
        wire.set("first", "1")
        wire.set("second", "2" * 500)
    stop(redis, child)
    file = next(path for path in redis.data.rglob("*appendonly*") if path.is_file() and b"second" in path.read_bytes())
    file.write_bytes(file.read_bytes()[:-20])
    child = start(redis)
    with client(home) as wire:
        assert wire.get("first") == b"1"
    stop(redis, child)


def test_unreadable_data_of_redis_is_put_aside(home: Path) -> None:
    redis = Redis(home)
    stop(redis, start(redis))
    file = next(path for path in redis.data.rglob("*.aof") if path.is_file())
    file.write_bytes(b"nonsense\r\n" * 100)
    program = redis.program()
    failed = subprocess.run(program.argv, capture_output=True, text=True, check=False)
    assert "starts empty" in redis.repair(failed.stdout)
    stop(redis, start(redis))
    assert list(home.glob("redis.broken-*"))


def test_readable_data_of_redis_stays_where_it_is(home: Path) -> None:
    redis = Redis(home)
    stop(redis, start(redis))
    assert redis.repair("Can't open the append-only file: No space left on device") == ""
    assert redis.data.exists()


def test_a_child_that_does_not_listen_is_ended_by_force() -> None:
    child = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert end(child, signal.SIGTERM, 0.2) == -signal.SIGKILL
    child.stdout.close()
