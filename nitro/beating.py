"""`nitro beat`: the beat alone, for installations that keep it apart from their workers."""

from __future__ import annotations

import argparse
import os
import signal
import sys


def main(words: list[str] | None = None) -> int:
    """Beat until SIGTERM."""
    argparse.ArgumentParser(prog="nitro beat", description="Send what is due by the clock until SIGTERM.").parse_args(
        sys.argv[1:] if words is None else words
    )
    os.environ.setdefault("NITRO_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    import django

    django.setup()
    from nitro.beat import Beat
    from nitro.celery import app

    beat = Beat(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: beat.ending.set())
    beat.start()
    beat.ending.wait()
    beat.stop()
    beat.join(10)
    return 0
