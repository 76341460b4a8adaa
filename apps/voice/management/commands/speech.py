"""`nitro speech pull base`: brings a Whisper model to this machine."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import NitroError
from apps.voice import downloads
from apps.voice.configuration import configured


class Command(BaseCommand):
    """pull."""

    help = "Fetch a Whisper model, so that Nitro listens well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        pulling = actions.add_parser("pull", help="fetch a model; Ctrl-C loses nothing of what has come")
        pulling.add_argument("name", help="such as tiny, base, small or large-v3")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            path = downloads.whisper_pull(options["name"], folder=configured().models)
        except NitroError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        self.stdout.write(f"The model is in {path}. STT_MODEL={options['name']} chooses it, from the next start on.")
