"""A web process as it would start if providers were not lazy: imports the clients of all model servers first."""

from __future__ import annotations

import sys
from importlib import import_module

LIBRARIES = ("google.generativeai", "ollama")


def main() -> int:
    """Import, then go on as Nitro's own web process does."""
    for name in LIBRARIES:
        import_module(name)
    from nitro.web.__main__ import main as serve

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
