"""What `nitro doctor` looks at: each part of an installation, with a way to repair it."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string
from redis import Redis, RedisError

from apps.core import examined, stored

PROBE_SECONDS = 3.0
LOW_DISK, NO_DISK = 2 * 1024**3, 200 * 1024**2  # bytes
START = "Start Nitro with `make up` and look again."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `needed` says whether Nitro cannot do its main job without this part."""

    check: str
    ok: bool
    needed: bool
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The shape that programs read."""
        return asdict(self)


def database() -> Finding:
    """PostgreSQL answers and has all migrations."""
    hint = START if settings.EMBEDDED_DATABASE else "Check DATABASE_URL and that the server runs."
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        version = connection.cursor().connection.info.server_version
    except DatabaseError as error:
        return Finding("database", False, True, f"PostgreSQL does not answer: {_first_line(error)}", hint)
    if missing:
        hint = "Run `nitro migrate`, or start Nitro with `make up`, which does it."
        return Finding("database", False, True, f"{missing} migrations are missing.", hint)
    return Finding("database", True, True, f"PostgreSQL {version // 10_000} answers and is up to date.")


def redis() -> Finding:
    """Redis answers. Without it chat goes on, uncached."""
    hint = START if settings.EMBEDDED_REDIS else "Check REDIS_URL and that the server runs."
    waits = {"socket_timeout": PROBE_SECONDS, "socket_connect_timeout": PROBE_SECONDS}
    try:
        with Redis.from_url(settings.REDIS_URL, **waits) as client:
            facts = client.info("server")
    except RedisError as error:
        return Finding("redis", False, True, f"Redis does not answer: {_first_line(error)}", hint)
    version = facts.get("redis_version", "?") if isinstance(facts, dict) else "?"
    return Finding("redis", True, True, f"Redis {version} answers.")


def builtin_model() -> Finding:
    """The built-in model answers, where it is wanted."""
    needed = settings.AI_MODEL == "builtin"
    if settings.AI_MODEL not in {"auto", "builtin"}:
        return Finding("model", True, False, f"The built-in model is not used: AI_MODEL is {settings.AI_MODEL}.")
    url = settings.BUILTIN_MODEL_URL or _running().get("model_url", "")
    if not url:
        return Finding("model", False, needed, "The built-in model does not run.", START)
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=PROBE_SECONDS) as answer:  # noqa: S310
            name = json.load(answer)["data"][0]["id"]
    except (urllib.error.URLError, OSError, ValueError, LookupError):
        return Finding("model", False, needed, f"The built-in model does not answer at {url}.", START)
    return Finding("model", True, needed, f"The built-in model {name} answers.")


def page() -> Finding:
    """The page of the running Nitro answers."""
    url = running_url()
    if not url:
        return Finding("page", False, False, "No `nitro up` runs with this data folder.", START)
    try:
        context = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323 (our own)
        with urllib.request.urlopen(f"{url}healthz", timeout=PROBE_SECONDS, context=context) as answer:  # noqa: S310
            return Finding("page", answer.status == 200, True, f"The page answers at {url}.")
    except (urllib.error.URLError, OSError) as error:
        hint = "Look at the log of `nitro up`, and at ALLOWED_HOSTS."
        return Finding("page", False, True, f"The page does not answer at {url}: {_first_line(error)}", hint)


def disk() -> Finding:
    """There is room to write."""
    free = shutil.disk_usage(_existing(settings.NITRO_HOME)).free
    message = f"{free / 1024**3:.1f} GB are free on the disk of {settings.NITRO_HOME}."
    hint = "" if free > LOW_DISK else "Free some space, or move NITRO_HOME to a larger disk."
    return Finding("disk", free > NO_DISK, True, message, hint)


def folder() -> Finding:
    """The data folder can be written, and its secret is nobody else's."""
    home: Path = settings.NITRO_HOME
    if not os.access(_existing(home), os.W_OK | os.X_OK):
        hint = f"Give it to the user who runs Nitro: `chown -R $USER {home}`."
        return Finding("folder", False, True, f"{home} cannot be written.", hint)
    secret = home / "secret_key"
    if secret.exists() and secret.stat().st_mode & 0o077:
        return Finding("folder", False, True, f"Others may read {secret}.", f"Run `chmod 600 {secret}`.")
    return Finding("folder", True, True, f"{home} can be written, and its secret is private.")


def store() -> list[Finding]:
    """The store of files elsewhere, where there is one: whether it lets us in."""
    if not settings.S3_BUCKET:
        return []
    try:
        default_storage.exists("doctor/nothing")
    except stored.failures() as error:
        hint = "Look at S3_ENDPOINT_URL, S3_BUCKET and its keys, which must be allowed to list."
        return [Finding("store", False, True, f"The store of files does not let us in: {_first_line(error)}", hint)]
    return [Finding("store", True, True, f"The store of files answers, and the bucket {settings.S3_BUCKET} is there.")]


CHECKS: tuple[Callable[[], Finding], ...] = (database, redis, builtin_model, page, disk, folder)


def examine() -> list[Finding]:
    """All checks, in order."""
    others = (import_string(name) for name in examined.names())
    return [*(check() for check in CHECKS), *store(), *(finding for check in others for finding in check())]


def running_url() -> str:
    """Where the page of the Nitro that runs with this data folder is; empty where none does."""
    return _running().get("url", "")


def _running() -> dict[str, str]:
    """What a running `nitro up` has noted in the data folder."""
    try:
        note = json.loads((settings.NITRO_HOME / "up.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: str(value) for name, value in note.items()} if isinstance(note, dict) else {}


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
