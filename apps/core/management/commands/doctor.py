"""`nitro doctor`: looks at every part and says how to repair what is broken."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.core.checklist import Checklist, Line, checklist
from apps.core.diagnosis import Finding, examine, running_url
from apps.core.outside import reachability


class Command(BaseCommand):
    help = "Check every part of this installation; exit 1 if something needed is broken."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--performance", action="store_true", help="what makes Nitro fast, and whether it is on")
        parser.add_argument("--url", default="", help="also look from this address (default: PUBLIC_URL)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["performance"]:
            return self.performance(checklist(), json_wanted=options["json"])
        findings = [*examine(), *self.from_outside(options["url"] or settings.PUBLIC_URL)]
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2))
        else:
            for finding in findings:
                self.report(finding)
        if any(finding.needed and not finding.ok for finding in findings):
            sys.exit(1)
        return None

    def performance(self, found: Checklist, *, json_wanted: bool) -> None:
        """The checklist. Nothing of it is broken, so that it never fails."""
        if json_wanted:
            self.stdout.write(json.dumps(found.as_dict(), indent=2))
            return
        for line in found.lines:
            self.point(line)
        off = [line.item for line in found.lines if line.seen.state == "off"]
        self.stdout.write(f"\nOff: {', '.join(off)}." if off else "\nEverything that Nitro can see is on.")
        self.stdout.write(found.bench.problem or f"Gains: `nitro bench` of {found.bench.made_at} on this machine.")

    def point(self, line: Line) -> None:
        """An item, its repair, and what it gave when it was measured here."""
        marks = {"on": self.style.SUCCESS("on  "), "off": self.style.WARNING("off "), "elsewhere": "–   "}
        self.stdout.write(f"{marks[line.seen.state]} {line.item:<16} {line.seen.message}")
        for more in (line.seen.hint, *(gain.sentence for gain in line.gains)):
            if more:
                self.stdout.write(f"     {'':<16} {more}")

    def from_outside(self, url: str) -> list[Finding]:
        """What the public address shows; where there is none, the one of the Nitro that runs here."""
        own = running_url()
        if url:
            return reachability.examine(url)
        return reachability.examine(own, own=True) if own else []

    def report(self, finding: Finding) -> None:
        """One line, and a second one where there is something to do."""
        mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("FAIL" if finding.needed else "note")
        self.stdout.write(f"{mark} {finding.check:<9} {finding.message}")
        if finding.hint:
            self.stdout.write(f"     {'':<9} {finding.hint}")
