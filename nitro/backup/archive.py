"""The file of a backup: a tar with a manifest first, the parts, and the checksums of all of them last.

manifest.json      what it is: format, version of Nitro, date, migrations, what is inside
database.dump      PostgreSQL's custom format
settings.env       the data folder's settings, without secrets
secrets.sealed     the secrets, where a passphrase was given
files/…            everything that people have made or uploaded
checksums.json     SHA-256 of every part
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nitro.backup.errors import BackupError

FORMAT = 1
MANIFEST, DATABASE, SETTINGS, SECRETS, CHECKSUMS = (
    "manifest.json",
    "database.dump",
    "settings.env",
    "secrets.sealed",
    "checksums.json",
)
FILES = "files/"
BLOCK = 1024 * 1024
LARGEST_NOTE = 16 * BLOCK  # manifest and checksums are read whole


class Hashing:
    """A readable file that counts along what was read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


@dataclass(slots=True)
class Writer:
    """Adds parts to a backup that is being made."""

    tar: tarfile.TarFile
    sums: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, content: bytes) -> None:
        """Add a small part from memory."""
        self._add(_entry(name, len(content)), io.BytesIO(content))

    def file(self, name: str, path: Path) -> None:
        """Add a file, read in blocks. Raises `FileNotFoundError` where it went away meanwhile."""
        with path.open("rb") as content:
            self._add(_entry(name, os.fstat(content.fileno()).st_size), content)

    def _add(self, entry: tarfile.TarInfo, content: IO[bytes]) -> None:
        hashing: Any = Hashing(content)
        self.tar.addfile(entry, hashing)
        self.sums[entry.name] = hashing.digest.hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


@contextmanager
def writing(target: Path) -> Iterator[Writer]:
    """Make a backup: it has its name only once it is complete and on the disk. Readable by its owner alone."""
    aside = target.with_name(f".{target.name}.part")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                writer = Writer(tar)
                yield writer
                writer.note(CHECKSUMS, json.dumps(writer.sums).encode())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except OSError as error:
        raise BackupError(f"{target} could not be written: {error.strerror or error}.") from error
    finally:
        aside.unlink(missing_ok=True)


class Reader:
    """A backup whose every part was found to be whole. Use it in a `with`."""

    def __init__(self, path: Path) -> None:
        try:
            self.tar = tarfile.open(path, mode="r:")  # noqa: SIM115 (closed by __exit__)
        except (OSError, tarfile.TarError) as error:
            raise BackupError(f"{path} is no backup of Nitro: {error}") from error
        self.path = path

    def __enter__(self) -> Reader:
        try:
            self.members = self._members()
            self.manifest = self._manifest()
            self._check()
        except (OSError, tarfile.TarError, ValueError, KeyError) as error:
            self.tar.close()
            raise BackupError(f"{self.path} is damaged or no backup of Nitro: {error}") from error
        except BackupError:
            self.tar.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.tar.close()

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def open(self, name: str) -> IO[bytes]:
        """The content of a part."""
        content = self.tar.extractfile(self.members[name])
        if content is None:
            raise BackupError(f"{self.path} is damaged: {name} has no content.")
        return content

    def note(self, name: str) -> bytes:
        """A small part, whole."""
        if self.members[name].size > LARGEST_NOTE:
            raise BackupError(f"{self.path} is damaged: {name} is far too large.")
        return self.open(name).read()

    def files(self) -> Iterator[tuple[str, IO[bytes]]]:
        """The people's files, by their names below the folder of files."""
        for name in self.members:
            if name.startswith(FILES):
                yield name.removeprefix(FILES), self.open(name)

    def _members(self) -> dict[str, tarfile.TarInfo]:
        members = {}
        for member in self.tar:
            if not member.isreg() or not _is_sound(member.name) or member.name in members:
                raise BackupError(f"{self.path} is no backup of Nitro: it holds {member.name[:80]!r}.")
            members[member.name] = member
        return members

    def _manifest(self) -> dict[str, Any]:
        manifest = json.loads(self.note(MANIFEST))
        if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
            raise BackupError(f"{self.path} is no backup of Nitro.")
        if manifest["format"] > FORMAT:
            raise BackupError(f"{self.path} was made by a newer Nitro ({manifest.get('nitro')}). Update Nitro first.")
        return manifest

    def _check(self) -> None:
        sums = json.loads(self.note(CHECKSUMS))
        if set(sums) != set(self.members) - {CHECKSUMS}:
            raise BackupError(f"{self.path} is damaged: some of its parts are missing.")
        for name, expected in sums.items():
            hashing = Hashing(self.open(name))
            while hashing.read(BLOCK):
                pass
            if hashing.digest.hexdigest() != expected:
                raise BackupError(f"{self.path} is damaged: {name} has changed since it was made.")


def _is_sound(name: str) -> bool:
    """Whether a part's name leads nowhere but into the folder of files."""
    path = PurePosixPath(name)
    known = name in {MANIFEST, DATABASE, SETTINGS, SECRETS, CHECKSUMS}
    inside = name.startswith(FILES) and not path.is_absolute() and ".." not in path.parts and str(path) == name
    return known or (inside and name.isprintable())
