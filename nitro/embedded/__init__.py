"""The services Nitro brings along when none is configured: where they listen, without starting them."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes, and PostgreSQL adds the name of its socket
DATABASE = "nitro"
DATABASE_USER = "nitro"


def run_folder(home: Path) -> Path:
    """The folder of sockets and pids: inside of the data folder, or beside it where that path is too long."""
    folder = home / "run"
    if len(str(folder / "postgres/.s.PGSQL.5432.lock").encode()) <= SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"nitro-{digest}"


def database_url(home: Path) -> str:
    """The address of the embedded PostgreSQL of this data folder."""
    return f"postgresql://{DATABASE_USER}@/{DATABASE}?host={quote(str(run_folder(home) / 'postgres'), safe='/')}"


def redis_url(home: Path) -> str:
    """The address of the embedded Redis of this data folder."""
    return f"unix://{run_folder(home) / 'redis.sock'}"


def models_socket(home: Path) -> Path:
    """Where models from files of this data folder are asked for."""
    return run_folder(home) / "models.sock"


def celery_url(redis: str) -> str:
    """The same Redis in the form in which Celery's transport wants it."""
    return redis.replace("unix://", "redis+socket://", 1) if redis.startswith("unix://") else redis


def django_database(url: str) -> dict[str, Any]:
    """Translate `postgresql://user:password@host:port/name?option=…` to an entry of Django's DATABASES."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or DATABASE,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }
