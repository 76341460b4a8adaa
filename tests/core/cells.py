"""What the tests call in confined processes: work, bombs, and functions that go wrong."""

from __future__ import annotations

import os
import signal
import sys
import time
import zlib
from typing import Any

from apps.core.errors import Invalid

memory: list[int] = []


def add(first: int, second: int) -> int:
    return first + second


def echo(value: Any) -> Any:
    return value


def remember(number: int) -> list[int]:
    """Everything that was ever remembered in this process."""
    memory.append(number)
    return memory


def process() -> int:
    return os.getpid()


def known() -> dict[str, Any]:
    """What this process knows of its parent."""
    return {"modules": [name for name in sys.modules if name.startswith("django")], "environment": dict(os.environ)}


def spin() -> None:
    while True:
        pass


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def inflate(packed: bytes) -> int:
    """A bomb: a few bytes that become very many."""
    return len(zlib.decompress(packed))


def chatter() -> str:
    """Libraries that print must not disturb the line to the parent."""
    sys.stdout.write("noise " * 100)
    os.write(1, b"noise")
    return "done"


def refuse() -> None:
    raise Invalid("This is no picture.", code="no_picture", hint="Send a picture.")


def stumble() -> None:
    raise LookupError("secret detail")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


class Trap:
    """An object that would act in the parent."""

    def __reduce__(self) -> Any:
        return os.system, ("true",)


def trap() -> Any:
    return Trap()
