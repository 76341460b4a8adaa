"""A web process without a pool: every request opens a connection to PostgreSQL and closes it again."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Take the pool out of the settings before anything reads them, then serve."""
    os.environ.setdefault("NITRO_ROLE", "web")
    from nitro import settings

    del settings.DATABASES["default"]["OPTIONS"]["pool"]
    from nitro.web.__main__ import main as serve

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
