"""`nitro cleanup [--dry-run]`: the nightly cleanup by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.core import retention
from apps.monitor import cleaning


class Command(BaseCommand):
    help = "Hide what nobody has used for SESSION_RETENTION_DAYS. Pinned chats stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.SESSION_RETENTION_DAYS
        if not cleaning.is_on():
            self.stdout.write("SESSION_RETENTION_DAYS is 0: everything is kept.")
            return
        now = timezone.now()
        found = cleaning.preview(now) if options["dry_run"] else retention.hide(cleaning.idle_before(now))
        verb = "would be hidden" if options["dry_run"] else "were hidden"
        for name, count in found.items():
            self.stdout.write(f"{count:,} {name} that nobody has used for {days} days {verb}.")
        if not options["dry_run"]:
            cleaning.sessions_clear()
