"""`nitro doctor`: looks at every part and says how to repair what is broken."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.diagnosis import Finding, examine


class Command(BaseCommand):
    help = "Check every part of this installation; exit 1 if something needed is broken."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2))
        else:
            for finding in findings:
                self.report(finding)
        if any(finding.needed and not finding.ok for finding in findings):
            sys.exit(1)

    def report(self, finding: Finding) -> None:
        """One line, and a second one where there is something to do."""
        mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("FAIL" if finding.needed else "note")
        self.stdout.write(f"{mark} {finding.check:<9} {finding.message}")
        if finding.hint:
            self.stdout.write(f"     {'':<9} {finding.hint}")
