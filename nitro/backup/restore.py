"""`nitro restore FILE`: a backup takes the place of what is in the data folder, whole or not at all."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from nitro.backup import archive, database, sealing
from nitro.backup.errors import BackupError
from nitro.backup.make import PASSPHRASE, ask_passphrase, backup
from nitro.embedded.errors import ServiceError
from nitro.environment import SettingError
from nitro.holder import Holder

ROOT = Path(__file__).resolve().parents[2]
OURS = re.compile(r"(accounts|chat|core|images|llm|monitor|search|voice)\.")
BLOCK = 1024 * 1024


def restore(settings: ModuleType, source: Path, *, passphrase: str = "", replace: bool = False) -> list[str]:
    """Restore a backup; returns what the person should know. Nitro must not be running.

    Raises `BackupError` before anything has changed: for a damaged or newer file, a wrong passphrase, a full disk, or
    a database that is not empty where `replace` is false.
    """
    home: Path = settings.NITRO_HOME
    with archive.Reader(source) as reader, database.running(settings):
        check_version(reader)
        secrets = _secrets(reader, passphrase)
        kept = _make_room(settings, replace=replace)
        with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as spare:
            _unpack(reader, Path(spare) / "files")
            database.restore(settings, reader.open(archive.DATABASE), Path(spare))
            _swap_files(home, Path(spare))
        notes = [*kept, *_settings(home, reader, secrets)]
    _forget(settings)
    return notes


def check_version(reader: archive.Reader) -> None:
    """A backup of a newer Nitro has changes to the database that this one does not know."""
    known = {f"{path.parts[-3]}.{path.stem}" for path in ROOT.glob("apps/*/migrations/0*.py")}
    newer = [name for name in reader.manifest.get("migrations", []) if OURS.match(name) and name not in known]
    if newer:
        version = reader.manifest.get("nitro") or "a newer version"
        raise BackupError(f"The backup was made by a newer Nitro ({version}; {newer[0]}). Update Nitro first.")


def _secrets(reader: archive.Reader, passphrase: str) -> dict[str, str]:
    if archive.SECRETS not in reader or not passphrase:
        return {}
    return sealing.unseal(reader.note(archive.SECRETS), passphrase)


def _make_room(settings: ModuleType, *, replace: bool) -> list[str]:
    """Nothing is overwritten that was not asked for, and even that is saved first."""
    if database.is_empty(settings):
        return []
    if not replace:
        raise BackupError(
            "There is a database with content already. Restore into an empty data folder (NITRO_HOME), or add "
            "--replace: what is there now is then saved first."
        )
    folder = settings.NITRO_HOME / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}.nitro"
    backup(settings, target)
    return [f"What was there before is saved in {target}."]


def _unpack(reader: archive.Reader, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    try:
        for name, content in reader.files():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                shutil.copyfileobj(content, file, BLOCK)
    except OSError as error:
        raise BackupError(
            f"The files could not be unpacked: {error.strerror or error}. Nothing has changed."
        ) from error


def _swap_files(home: Path, spare: Path) -> None:
    if (home / "files").exists():
        (home / "files").rename(spare / "files-before")  # goes with the folder; `--replace` has saved them
    (spare / "files").rename(home / "files")


def _settings(home: Path, reader: archive.Reader, secrets: dict[str, str]) -> list[str]:
    """Settings of this machine win: those of the backup are laid beside them."""
    notes = []
    text = reader.note(archive.SETTINGS).decode()
    text += "".join(f"{name}='{value}'\n" for name, value in secrets.items() if name != "SECRET_KEY")
    if text:
        target = home / (".env.restored" if (home / ".env").exists() else ".env")
        _write(target, text)
        notes.append(f"The settings of the backup are in {target}.")
    if "SECRET_KEY" in secrets:
        _write(home / "secret_key", secrets["SECRET_KEY"])
    else:
        notes.append(
            "Keys and passwords are not in it: on another machine browsers have to sign in again, and .env needs them."
        )
    return notes


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.touch(mode=0o600)
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def _forget(settings: ModuleType) -> None:
    """What was only remembered belongs to the database of before."""
    (settings.NITRO_HOME / "prepared.json").unlink(missing_ok=True)
    if settings.EMBEDDED_REDIS:
        shutil.rmtree(settings.NITRO_HOME / "redis", ignore_errors=True)


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of `nitro restore`."""
    parser = argparse.ArgumentParser(prog="nitro restore", description="Bring back what `nitro backup` has saved.")
    parser.add_argument("file", type=Path, help="a file that `nitro backup` has made")
    parser.add_argument("--secrets", action="store_true", help=f"open its sealed secrets (passphrase, or {PASSPHRASE})")
    parser.add_argument("--replace", action="store_true", help="even where there is something already; saved first")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Returns the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    holder = None
    try:
        from nitro import settings

        holder = Holder(settings.NITRO_HOME)
        passphrase = ask_passphrase(given.secrets, twice=False)
        notes = restore(settings, given.file, passphrase=passphrase, replace=given.replace)
    except (SettingError, ServiceError, BackupError) as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1
    finally:
        if holder is not None:
            holder.release()
    sys.stdout.write("".join(f"{note}\n" for note in [*notes, "Restored. Start Nitro with `make up`."]))
    return 0
