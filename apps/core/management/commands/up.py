"""`nitro up`: starts everything. The supervisor takes this process's place, since it needs no Django."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Start Nitro and everything it needs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")
        parser.add_argument("--workers", type=int, help="web processes")
        parser.add_argument("--tls", action="store_true", help="https with HTTP/2")

    def handle(self, *args: Any, **options: Any) -> None:
        words = ["--host", options["host"], "--port", str(options["port"])]
        if options["workers"] is not None:
            words += ["--workers", str(options["workers"])]
        if options["tls"]:
            words.append("--tls")
        os.execv(sys.executable, [sys.executable, "-m", "nitro", "up", *words])  # noqa: S606 (our own interpreter)
