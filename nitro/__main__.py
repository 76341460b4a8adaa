"""The `nitro` command: Django's management commands under one name."""

import os
import sys

from nitro.environment import SettingError


def main() -> None:
    """Run one command; a wrong setting ends it with one sentence instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    if sys.argv[1:2] == ["up"]:  # needs no Django, and starts a second earlier without it
        from nitro.supervisor import main as up

        sys.exit(up(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["nitro", *sys.argv[1:]])
    except SettingError as error:
        sys.exit(f"nitro: {error}")


if __name__ == "__main__":
    main()
