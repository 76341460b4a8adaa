"""What must be done before the page may open: migrations and static files, each only when something changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("django", "django-celery-beat", "djangorestframework", "django-htmx", "whitenoise", "brotli")
# What no page of ours asks for. Compressing it would take most of the first start, and htmx' extensions name modules in
# comments, which the storage takes for imports.
UNUSED = ("rest_framework", "ext", "htmax-*", "htmx-?.js", "*.txt", "LICENSE*")
LOCK_NUMBER = 0x6E6974726F  # "nitro"; the number of PostgreSQL's advisory lock


def fingerprint(home: Path, database_url: str) -> str:
    """Changes whenever migrations, static sources, their packages or the database itself are others than last time."""
    digest = hashlib.sha256(f"{database_url} {_identity(home / 'postgres' / 'PG_VERSION')}".encode())
    for name in PACKAGES:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    for path in sorted(_sources()):
        digest.update(f"{path} {_identity(path)}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterable[Path]:
    yield from ROOT.glob("apps/*/migrations/*.py")
    for folder in (ROOT / "static", *ROOT.glob("apps/*/static")):
        yield from (path for path in folder.rglob("*") if path.is_file())


def _identity(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "-"
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"


def remembered(home: Path) -> dict[str, Any]:
    """What the last start has noted: `fingerprint` and whether somebody has `signed_in` since."""
    try:
        facts = json.loads((home / "prepared.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    static = Path(os.environ.get("STATIC_FOLDER") or home / "static")
    usable = isinstance(facts, dict) and (static / "staticfiles.json").exists()
    return facts if usable else {}


def prepare(home: Path, mark: str) -> str | None:
    """Migrate and collect where needed; returns the path of a sign-in link while nobody has signed in."""
    import django

    django.setup()
    from apps.accounts.services import first_sign_in_link
    from nitro import settings

    if remembered(home).get("fingerprint") != mark:
        migrate()
        if not settings.STATIC_FOLDER:
            collect()
    link = first_sign_in_link()
    (home / "prepared.json").write_text(json.dumps({"fingerprint": mark, "signed_in": link is None}), encoding="utf-8")
    return link


def migrate() -> None:
    """Bring the database up to date; two that do this at once do it one after the other."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_NUMBER])
        try:
            _save_first()
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_NUMBER])


def _save_first() -> None:
    """A backup before the database changes, unless nothing is in it or nothing will change."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from nitro import settings
    from nitro.backup.make import before_migration

    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending and executor.loader.applied_migrations and settings.BACKUP_BEFORE_MIGRATION:
        before_migration(settings)


def collect() -> None:
    """Copy, name by content and compress the static files."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=list(UNUSED))


def prepare_alone() -> str | None:
    """The same where the processes are started one by one, and whatever was done before is looked at anew."""
    from nitro import settings

    return prepare(settings.NITRO_HOME, fingerprint(settings.NITRO_HOME, settings.DATABASE_URL))


def with_address(link: str | None) -> str | None:
    """The link as it can be opened, where it is known under which address people reach Nitro."""
    from nitro import settings

    return link and settings.PUBLIC_URL.rstrip("/") + link


def compile_static() -> None:
    """For an image that carries its static files along (`STATIC_FOLDER`); needs no database."""
    import django

    django.setup()
    collect()


def main(words: list[str] | None = None) -> int:
    """`nitro prepare`: prints the link, if there is one, as the only line. Returns the exit status.

    `nitro prepare HOME MARK` is how `nitro up` calls it; `nitro prepare static` only compiles the static files.
    """
    given = sys.argv[1:] if words is None else words
    os.environ.setdefault("NITRO_ROLE", "web")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    if given == ["static"]:
        compile_static()
        return 0
    link = prepare(Path(given[0]), given[1]) if given else with_address(prepare_alone())
    if link:
        sys.stdout.write(link + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
