"""`nitro tune`: looks at this machine, recommends a model and settings, and writes them where that is wanted."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.dotenv import BACKUP, dotenv_write
from apps.core.errors import NitroError
from apps.core.machine import Machine, in_words, machine
from apps.llm.guide import GIB, PROFILES, profile_by_name
from apps.llm.tuning import Advice, advise


class Command(BaseCommand):
    """Reads the machine; changes nothing without --write."""

    help = "Recommend a model and settings for this machine; --write puts them into the data folder's .env."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = [profile.name for profile in PROFILES]
        parser.add_argument("--profile", choices=names, help="instead of the one that suits this machine")
        parser.add_argument("--write", action="store_true", help="write the settings into the data folder's .env")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        seen = machine()
        wanted = profile_by_name(options["profile"]) if options["profile"] else None
        advice = advise(seen, profile=wanted, gemini=bool(settings.GEMINI_API_KEY))
        path = Path(settings.NITRO_HOME) / ".env"
        changed = self.write(path, advice) if options["write"] else None
        if options["json"]:
            self.stdout.write(json.dumps(as_json(seen, advice, path, changed), indent=2))
            return
        self.tell(seen, advice)
        if changed is not None:
            self.tell_written(path, changed)
        self.tell_outranked(advice)
        self.tell_steps(advice, written=changed is not None, profile=options["profile"])

    def write(self, path: Path, advice: Advice) -> list[str]:
        try:
            return dotenv_write(path, advice.settings)
        except NitroError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error

    def tell(self, seen: Machine, advice: Advice) -> None:
        self.stdout.write("This machine")
        self.line("cores", str(seen.cores))
        self.line("memory", f"{in_words(seen.memory)}, {in_words(seen.available)} of it free")
        self.line("graphics", ", ".join(_card(gpu.name, gpu.memory) for gpu in seen.gpus) or "none that models can use")
        for limit in seen.limits:
            self.line("", limit)
        profile = advice.profile
        self.stdout.write(f"\nProfile {profile.name} ({profile.memory // GIB} GB, {profile.cores} cores)")
        self.line("model", _model(advice))
        for name, value in advice.settings.items():
            self.line("", f"{name}={value}")
        self.stdout.write("\nWhy")
        for sentence in advice.reasons:
            self.line("·", sentence)
        for sentence in advice.warnings:
            self.line(self.style.WARNING("!"), sentence)

    def line(self, label: str, text: str) -> None:
        self.stdout.write(f"  {label:<9} {text}" if len(label) > 1 or not label else f"  {label} {text}")

    def tell_written(self, path: Path, changed: list[str]) -> None:
        if changed:
            kept = f" What was there before is in {BACKUP}." if path.with_name(BACKUP).exists() else ""
            self.stdout.write(f"\nWritten to {path}: {', '.join(changed)}.{kept}")
        else:
            self.stdout.write(f"\n{path} says all of this already.")

    def tell_outranked(self, advice: Advice) -> None:
        outranked = sorted(set(advice.settings) & settings.SET_OUTSIDE)
        if outranked:
            said = f"Set in the environment or in .env of this folder, which count more: {', '.join(outranked)}."
            self.stdout.write(self.style.WARNING(f"{said} Change it there."))

    def tell_steps(self, advice: Advice, *, written: bool, profile: str | None) -> None:
        steps = [step for step in advice.steps if not (written and step.startswith("nitro tune"))]
        if profile:
            steps = [f"{step} --profile {shlex.quote(profile)}" if "tune" in step else step for step in steps]
        self.stdout.write(f"\nNext: {', then '.join(steps)}.")


def _card(name: str, memory: int) -> str:
    return f"{name} ({in_words(memory)})" if memory else name


def _model(advice: Advice) -> str:
    model, build = advice.model, advice.build
    if model is None or build is None:
        return "the small one that Nitro brings along"
    size = in_words(build.size)
    return f"{build.name} ({model.parameters}, {build.quantisation}, {size}; {model.speed}, {model.quality})"


def as_json(seen: Machine, advice: Advice, path: Path, changed: list[str] | None) -> dict[str, Any]:
    """The shape that programs read; sizes in bytes."""
    return {
        "machine": asdict(seen),
        "profile": advice.profile.name,
        "model": {
            "family": advice.model.family,
            "use": advice.model.use,
            "speed": advice.model.speed,
            "quality": advice.model.quality,
            **asdict(advice.build),
        }
        if advice.model and advice.build
        else None,
        "settings": dict(advice.settings),
        "reasons": list(advice.reasons),
        "warnings": list(advice.warnings),
        "written": {"path": str(path), "changed": changed} if changed is not None else None,
    }
