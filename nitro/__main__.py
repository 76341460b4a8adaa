"""The `nitro` command: Django's management commands under one name."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from nitro.environment import SettingError

# Commands that need no Django, and start a second earlier without it.
LEAN = {
    "up": "nitro.supervisor",
    "web": "nitro.web.__main__",
    "worker": "nitro.worker",
    "beat": "nitro.beating",
    "prepare": "nitro.prepare",
    "bench": "benchmarks.gains.command",
    "backup": "nitro.backup.make",
    "restore": "nitro.backup.restore",
    "extras": "nitro.extras",
}


def lead(module: str, words: list[str]) -> int | None:
    """Run a lean command; returns the exit status."""
    try:
        command: Callable[[list[str]], int | None] = import_module(module).main
        return command(words)
    except SettingError as error:
        sys.stderr.write(f"nitro: {error}\n")
        return 1


def main() -> None:
    """Run one command; a wrong setting ends it with one sentence instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    lean = LEAN.get("".join(sys.argv[1:2]))
    if lean:
        sys.exit(lead(lean, sys.argv[2:]))
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["nitro", *sys.argv[1:]])
    except SettingError as error:
        sys.exit(f"nitro: {error}")


if __name__ == "__main__":
    main()
