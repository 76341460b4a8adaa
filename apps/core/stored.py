"""Files that Nitro keeps for people: written whole or not at all, under names that the server has made.

Everything goes through Django's default storage, so that a folder and an S3-compatible store are the same from here.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from apps.core.errors import NitroError

logger = logging.getLogger(__name__)
NAME = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9._-]*){1,4}")
ASIDE = ".part-"
ASIDE_SECONDS = 3600
S3_FAILURES = {"botocore.exceptions": ("BotoCoreError", "ClientError"), "boto3.exceptions": ("Boto3Error",)}


class StorageFull(NitroError):
    """There is no room for the file; nothing of it was kept."""

    code = "disk_full"
    status = 507
    permanent = False
    hint = "Free some space on the disk of Nitro's data folder, then try again."


class StorageAway(NitroError):
    """The file cannot be written or read right now; nothing half-written stays."""

    code = "storage_away"
    status = 503
    permanent = False
    hint = "Look whether the disk or store of Nitro's files is there and writable, then try again."


class WholeFiles(FileSystemStorage):
    """A folder in which a file appears under its name only when all of it is on the disk."""

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=target.parent, prefix=ASIDE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, target)
        except BaseException:  # whatever it was: nothing half-written stays
            with suppress(FileNotFoundError):
                os.unlink(aside)
            raise
        return name

    def sweep(self, *, older_than: float) -> int:
        """Remove what killed processes have left half-written; returns how many files."""
        found = [path for path in Path(self.location).rglob(f"{ASIDE}*") if _age(path) > older_than]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def failures() -> tuple[type[Exception], ...]:
    """What goes wrong with a storage: of S3's library too, where it is in use."""
    found: list[type[Exception]] = [OSError]
    for module, names in S3_FAILURES.items():
        if module in sys.modules:
            found += [getattr(sys.modules[module], name) for name in names]
    return tuple(found)


def save(name: str, content: bytes) -> None:
    """Keep a file under this name, in place of any that has it.

    Raises `StorageFull` or `StorageAway`, and then there is no file and no part of one. Slow: waits for the disk.
    """
    try:
        default_storage._save(_sound(name), ContentFile(content))  # type: ignore[attr-defined]  # `save` would rename
    except failures() as error:
        logger.warning("A file could not be written: %s", error)
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("There is no room left for files.") from error
        raise StorageAway("Files cannot be written right now.") from error


def open_file(name: str) -> BinaryIO:
    """A file for reading, at its beginning. Raises `FileNotFoundError` where there is none, or `StorageAway`."""
    try:
        file = cast(BinaryIO, default_storage.open(_sound(name), "rb"))
        file.seek(0)  # a store far away is asked for the content only now
        return file
    except FileNotFoundError:
        raise
    except failures() as error:
        raise StorageAway("Files cannot be read right now.") from error


def delete(names: Iterable[str]) -> int:
    """Remove files; those that are gone already are no problem. Returns how many could not be removed now."""
    left = 0
    for name in names:
        try:
            default_storage.delete(_sound(name))
        except failures() as error:
            logger.warning("A file could not be removed: %s", error)
            left += 1
    return left


def sweep(*, older_than: float = ASIDE_SECONDS) -> int:
    """Remove what killed processes have left half-written, where the storage is a folder; returns how many files."""
    storage = getattr(default_storage, "_wrapped", default_storage)
    return storage.sweep(older_than=older_than) if isinstance(storage, WholeFiles) else 0


def _sound(name: str) -> str:
    """The name, which the server made: no way leads out of the folder."""
    if not NAME.fullmatch(name):
        raise SuspiciousOperation("This is not a name that Nitro gives to files.")
    return name
