"""`nitro models`: lists, installs and removes models."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.core.errors import NitroError
from apps.core.machine import in_words
from apps.core.running import running
from apps.llm import pulls, removal, services
from apps.llm.catalogue import Entry, catalogue
from apps.llm.configuration import configured
from apps.llm.local import local_files
from apps.llm.meter import Meter
from apps.llm.models import Pull
from apps.llm.router import Router
from apps.llm.services import Progress
from apps.llm.sources import source_of

LOOK_SECONDS = 0.25
LEFT_ALONE = "Nitro goes on with {name} in the background. `nitro models pull {name}` shows it again."
NEXT_TIME = "Stopped. The next `nitro models pull {name}` goes on from here."
STOPPED = "Nitro has ended. It goes on with the download when it is started again."
COLUMNS = ("MODEL", "SIZE", "PARAMETERS", "BITS", "CONTEXT", "CAN", "STATE", "THIS MACHINE")


class Command(BaseCommand):
    """list, pull, cancel, remove."""

    help = "List the models there are, install more, remove some."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="every model that can be chosen")
        listing.add_argument("--json", action="store_true", help="for programs")
        pulling = actions.add_parser("pull", help="install a model; Ctrl-C loses nothing of what has come")
        pulling.add_argument(
            "name", help="such as llama3.2, or the address of a .gguf file; `nitro tune` recommends one"
        )
        actions.add_parser("cancel", help="end a download").add_argument("name")
        removing = actions.add_parser("remove", help="delete a model from the disk")
        removing.add_argument("name", help="as in the list")
        removing.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            match action:
                case "list":
                    self.list(as_json=options["json"])
                case "pull":
                    self.pull(options["name"])
                case "cancel":
                    self.cancel(options["name"])
                case _:
                    self.remove(options["name"], sure=options["yes"])
        except NitroError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error

    # --- list --------------------------------------------------------------------------------------------------------

    def list(self, *, as_json: bool) -> None:
        entries = asyncio.run(_entries())
        files = local_files(Path(settings.NITRO_HOME))
        if as_json:
            problems = [asdict(one) for one in files.unusable]
            models = [asdict(entry) for entry in entries]
            self.stdout.write(json.dumps({"models": models, "unusable_files": problems}, indent=2))
            return
        for line in _table([COLUMNS, *(_row(entry) for entry in entries)]):
            self.stdout.write(line)
        if not entries:
            self.stdout.write("No server answers. `nitro up` brings a small model along; `nitro doctor` says more.")
        for problem in files.unusable:
            self.stdout.write(self.style.WARNING(f"{problem.file} is not offered. {problem.sentence}"))

    # --- pull --------------------------------------------------------------------------------------------------------

    def pull(self, name: str) -> None:
        """By the Nitro that runs, so that everybody sees it; where none does, by this process."""
        if running(Path(settings.NITRO_HOME)) is None:
            self.pull_here(services.name_of_model(name))
            return
        try:
            pull = services.pull_start(user=None, name=name)
        except DatabaseError as error:
            raise CommandError("The database of the Nitro that runs does not answer. Try `nitro doctor`.") from error
        async_to_sync(pulls.announce)(pull)
        try:
            self.follow(pull)
        except KeyboardInterrupt:
            self.stdout.write("\n" + LEFT_ALONE.format(name=pull.name))

    def follow(self, pull: Pull) -> None:
        """Show a download until it ends; raises `CommandError` where it failed."""
        meter = Meter(pull.name)
        while pull.is_under_way:
            self.show(meter, Progress(pull.status or "waiting", pull.completed, pull.total))
            time.sleep(LOOK_SECONDS)
            self.look_again(pull)
        self.end_of_bar()
        if pull.state == Pull.State.DONE:
            self.stdout.write(f"{pull.name} is installed.")
        elif pull.state == Pull.State.CANCELLED:
            raise CommandError(f"The download of {pull.name} was cancelled.")
        else:
            raise CommandError(f"{pull.error_message} {pull.error_hint}".strip())

    def look_again(self, pull: Pull) -> None:
        """Raises `CommandError` where Nitro has ended in the meantime."""
        try:
            pull.refresh_from_db()
        except DatabaseError as error:
            raise CommandError(STOPPED) from error
        if pull.is_under_way and running(Path(settings.NITRO_HOME)) is None:
            raise CommandError(STOPPED)

    def pull_here(self, name: str) -> None:
        try:
            asyncio.run(self.fetch(name))
        except KeyboardInterrupt:
            self.end_of_bar()
            self.stdout.write(NEXT_TIME.format(name=name))
            sys.exit(130)
        self.end_of_bar()
        self.stdout.write(f"{name} is installed.")

    async def fetch(self, name: str) -> None:
        source, meter = source_of(name), Meter(name)
        try:
            async with aclosing(source.pull(name)) as steps:
                async for step in steps:
                    self.show(meter, step)
        finally:
            await source.close()

    def show(self, meter: Meter, progress: Progress) -> None:
        """A bar where somebody looks on, a line now and then elsewhere."""
        meter.take(progress, time.monotonic())
        if self.stdout.isatty():
            width = shutil.get_terminal_size().columns
            self.stdout.write(f"\r\x1b[K{meter.bar(progress, width)}", ending="")
            self.stdout.flush()
        elif line := meter.news(progress):
            self.stdout.write(line)

    def end_of_bar(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("")

    # --- cancel and remove -------------------------------------------------------------------------------------------

    def cancel(self, name: str) -> None:
        pull = services.pull_cancel_by_name(name=name)
        async_to_sync(pulls.announce)(pull)
        self.stdout.write(f"The download of {pull.name} ends.")

    def remove(self, name: str, *, sure: bool) -> None:
        choice, size = asyncio.run(_removable(name))
        if not sure:
            self.ask(f"{choice} ({in_words(size)})" if size else choice)
        removal.model_remove(user=None, choice=choice)
        self.stdout.write(f"{choice} is removed.")

    def ask(self, what: str) -> None:
        """Raises `CommandError` unless somebody says yes."""
        if not sys.stdin.isatty():
            raise CommandError("Nobody is here to be asked. Add --yes to remove it all the same.")
        if input(f"Remove {what} from the disk? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was removed.")


async def _entries() -> list[Entry]:
    """The models as a running Nitro would list them."""
    note = running(Path(settings.NITRO_HOME))
    found = configured()
    if note is not None and not found.builtin_model_url:
        found = replace(found, builtin_model_url=note.model_url)
    router = Router(found)
    try:
        return await catalogue(router)
    finally:
        await router.close()


async def _removable(name: str) -> tuple[str, int]:
    """The choice that a name stands for, and its size in bytes where that is known. Raises `NitroError`.

    A model that is in no list, since it cannot talk, is removed where it is named in full.
    """
    entries = [entry for entry in await _entries() if name in {entry.choice, entry.name}]
    removable = [entry for entry in entries if entry.removable]
    if len(removable) == 1:
        return removable[0].choice, removable[0].size
    if removable:
        choices = ", ".join(entry.choice for entry in removable)
        raise NitroError(f"There are several models of that name: {choices}.", hint="Name one of them in full.")
    if entries:
        raise NitroError(f"{entries[0].choice} is not ours to remove.", hint=removal.KEPT_HINT)
    if name.startswith(("ollama:", "builtin:")):
        return name, 0
    raise NitroError(f"There is no model {name}.", hint="`nitro models list` shows all that can talk.")


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        f"{entry.choice}{' *' if entry.default else ''}",
        in_words(entry.size) if entry.size else "–",
        entry.parameters or "–",
        entry.quantisation or "–",
        f"{entry.context_window:,}".replace(",", " ") if entry.context_window else "–",
        " ".join(entry.abilities),
        "loaded" if entry.loaded else "cold",
        entry.fit.level.replace("_", " "),
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
