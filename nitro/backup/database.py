"""The database's part of a backup, through PostgreSQL's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from nitro.backup.errors import BackupError
from nitro.embedded.errors import ServiceError
from nitro.embedded.postgres import Postgres, binary_folder
from nitro.process import end, spawn, wait_until

BLOCK = 1024 * 1024
START_SECONDS = 60.0
# In one transaction: either all of the backup takes the place of what was there, or nothing has happened.
BEGIN = b"BEGIN;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
END = b"COMMIT;\n"
NEW_SETTING = b"SET transaction_timeout = 0;\n"  # which servers before PostgreSQL 17 do not know
EMPTY = "SELECT count(*) = 0 FROM information_schema.tables WHERE table_schema = 'public'"
MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY id"
HAS_MIGRATIONS = "SELECT to_regclass('public.django_migrations') IS NOT NULL"


@contextmanager
def running(settings: ModuleType) -> Iterator[None]:
    """A database that answers: the configured one, or ours, started for the time of the block where it does not run."""
    store = Postgres(settings.NITRO_HOME) if settings.EMBEDDED_DATABASE else None
    if store is None or store.ready():
        yield
        return
    store.prepare()
    program = store.program()
    child = spawn(program)
    try:
        if not wait_until(lambda: store.ready() or child.poll() is not None, START_SECONDS) or child.poll() is not None:
            raise ServiceError("The embedded PostgreSQL did not start. `nitro up` shows why.")
        yield
    finally:
        end(child, program.stop_signal, program.grace)


def ask(settings: ModuleType, question: str) -> list[tuple[Any, ...]]:
    """The answer's rows. Raises `BackupError` where the database does not answer."""
    try:
        with psycopg.connect(settings.DATABASE_URL, connect_timeout=5) as connection:
            return connection.execute(question.encode()).fetchall()
    except psycopg.Error as error:
        raise BackupError(f"The database does not answer: {str(error).strip()}") from error


def is_empty(settings: ModuleType) -> bool:
    """Whether nothing of anybody is in the database yet."""
    return bool(ask(settings, EMPTY)[0][0])


def migrations(settings: ModuleType) -> list[str]:
    """The migrations that the database has, as `app.name`."""
    if not ask(settings, HAS_MIGRATIONS)[0][0]:
        return []
    return [f"{app}.{name}" for app, name in ask(settings, MIGRATIONS)]


def dump(settings: ModuleType, target: Path) -> None:
    """Write the whole database to a file: one moment of it, while others go on writing."""
    argv = [_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
    address, environment = _address(settings.DATABASE_URL)
    done = subprocess.run([*argv, address], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise BackupError(f"The database could not be saved: {done.stderr.strip()[-500:]}")


def restore(settings: ModuleType, content: IO[bytes], spare: Path) -> None:
    """Put a dump in the place of all that is in the database, or change nothing."""
    script = spare / "database.sql"
    _translate(content, spare / "database.dump", script)
    address, environment = _address(settings.DATABASE_URL)
    argv = [_program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file=-", address]
    with script.open("rb") as commands:
        done = subprocess.run(
            argv, stdin=commands, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, check=False
        )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise BackupError(f"The database could not be restored, and is as it was: {said}")


def _translate(content: IO[bytes], dump_file: Path, script: Path) -> None:
    """PostgreSQL's own format to commands for psql, between the beginning and the end of one transaction."""
    with dump_file.open("wb") as file:
        shutil.copyfileobj(content, file, BLOCK)
    argv = [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dump_file)]
    with script.open("wb") as commands, tempfile.TemporaryFile() as complaints:
        commands.write(BEGIN)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=complaints) as child:
            assert child.stdout is not None  # noqa: S101 (a pipe was asked for)
            commands.write(child.stdout.read(BLOCK).replace(NEW_SETTING, b""))
            shutil.copyfileobj(child.stdout, commands, BLOCK)
        commands.write(END)
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()[-500:]
    if child.returncode:
        raise BackupError(f"The backup's database cannot be read: {said}")


def _program(name: str) -> str:
    return str(binary_folder() / name)


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The database's address without its password, which travels in the environment: others can read command lines."""
    parts = urlsplit(url)
    environment = {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"}
    if parts.password:
        environment["PGPASSWORD"] = unquote(parts.password)
        name, at, host = parts.netloc.rpartition("@")
        url = urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}{at}{host}"))
    return f"--dbname={url}", environment
