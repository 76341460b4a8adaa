"""`nitro backup FILE`: everything that must not be lost, in one file, while Nitro goes on running."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from dotenv import dotenv_values

from nitro import __version__
from nitro.backup import archive, database, sealing
from nitro.backup.errors import BackupError
from nitro.embedded.errors import ServiceError
from nitro.environment import SettingError

PASSPHRASE = "NITRO_BACKUP_PASSPHRASE"  # noqa: S105 (the name of it)
KEPT = 3  # automatic backups
LAST = "last_backup"


def backup(settings: ModuleType, target: Path, passphrase: str = "") -> None:
    """Make a backup. Raises `BackupError`; an unfinished one leaves no file behind."""
    with database.running(settings), tempfile.TemporaryDirectory(dir=_folder_of(target), prefix=".nitro-") as spare:
        dump = Path(spare) / archive.DATABASE
        database.dump(settings, dump)  # first, so that no file it names is missing
        plain, secret = configuration(settings)
        with archive.writing(target) as writer:
            writer.note(archive.MANIFEST, json.dumps(_manifest(settings, sealed=bool(passphrase))).encode())
            writer.file(archive.DATABASE, dump)
            writer.note(archive.SETTINGS, _lines(plain).encode())
            if passphrase:
                writer.note(archive.SECRETS, sealing.seal(secret, passphrase))
            for path in files(settings):
                _add_file(writer, settings, path)
    with suppress(OSError):  # the admin's board says when the last one was made
        (settings.NITRO_HOME / LAST).write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n", encoding="utf-8")


def before_migration(settings: ModuleType) -> Path:
    """The backup that is made by itself before the database changes; the newest few are kept."""
    folder = settings.NITRO_HOME / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target: Path = folder / f"before-migration-{datetime.now(UTC):%Y%m%d-%H%M%S}.nitro"
    backup(settings, target)
    for old in sorted(folder.glob("before-migration-*.nitro"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return target


def files(settings: ModuleType) -> Iterator[Path]:
    """The files of people. Those in a store elsewhere are that store's to keep."""
    folder: Path = settings.NITRO_HOME / "files"
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def configuration(settings: ModuleType) -> tuple[dict[str, str], dict[str, str]]:
    """The data folder's settings, and those that are secret; the key that signs sessions belongs to them."""
    given = {
        name: value or "" for name, value in dotenv_values(settings.NITRO_HOME / ".env", interpolate=False).items()
    }
    secret = {name: value for name, value in given.items() if sealing.is_secret(name, value)}
    plain = {name: value for name, value in given.items() if name not in secret}
    return plain, {"SECRET_KEY": settings.SECRET_KEY} | secret


def _manifest(settings: ModuleType, *, sealed: bool) -> Mapping[str, object]:
    found = list(files(settings))
    return {
        "format": archive.FORMAT,
        "nitro": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "migrations": database.migrations(settings),
        "files": len(found),
        "bytes": sum(path.stat().st_size for path in found),
        "secrets": sealed,
    }


def _add_file(writer: archive.Writer, settings: ModuleType, path: Path) -> None:
    name = path.relative_to(settings.NITRO_HOME / "files").as_posix()
    try:
        writer.file(archive.FILES + name, path)
    except FileNotFoundError:
        return  # deleted by its owner in this moment


def _lines(values: Mapping[str, str]) -> str:
    """As a `.env`: single quotes keep everything as it is, but for themselves and the backslash."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


def _folder_of(target: Path) -> Path:
    folder = target.absolute().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise BackupError(f"The folder {folder} does not exist or cannot be written.")
    return folder


def ask_passphrase(given: bool, *, twice: bool) -> str:
    """From the environment, or typed in where it was asked for."""
    found = os.environ.get(PASSPHRASE, "")
    if found or not given:
        return found
    typed = getpass.getpass("Passphrase for the secrets: ")
    if twice and typed != getpass.getpass("Once more: "):
        raise BackupError("The two were not the same.")
    return typed


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of `nitro backup`."""
    parser = argparse.ArgumentParser(prog="nitro backup", description="Save database, files and settings in one file.")
    parser.add_argument("file", type=Path, help="where to; a folder gets a file named by date")
    parser.add_argument(
        "--secrets", action="store_true", help=f"also keys and passwords, sealed by a passphrase (or {PASSPHRASE})"
    )
    parser.add_argument("--replace", action="store_true", help="overwrite the file where there is one")
    return parser.parse_args(words)


def target_of(given: Path, *, replace: bool) -> Path:
    """The file to write. Raises `BackupError` where there is one already."""
    target = given / f"nitro-{datetime.now(UTC):%Y%m%d-%H%M%S}.nitro" if given.is_dir() else given
    if target.exists() and not replace:
        raise BackupError(f"{target} exists already. Choose another name, or add --replace.")
    return target


def main(words: list[str] | None = None) -> int:
    """Returns the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    try:
        from nitro import settings

        target = target_of(given.file, replace=given.replace)
        passphrase = ask_passphrase(given.secrets, twice=True)
        backup(settings, target, passphrase)
    except (SettingError, ServiceError, BackupError) as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1
    left_out = "" if passphrase else " Keys and passwords of .env are not in it; --secrets takes them along, sealed."
    sys.stdout.write(f"Saved in {target} ({target.stat().st_size / 1024**2:.1f} MB).{left_out}\n")
    return 0
