"""Words and secrets that must be in no log, and an ear for all that the log would say, in both of its forms."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest

from apps.llm.errors import Rejected
from nitro.logbook import logbook

WORD = "zebra-canary"  # what people write and say
SECRET = "hush" + "0123456789abcdef" * 2  # what nobody may see


class Log:
    """What each form of the log has, at INFO and at DEBUG."""

    def __init__(self) -> None:
        self.written = {(level, form): io.StringIO() for level in ("INFO", "DEBUG") for form in ("line", "json")}
        self.handlers = [handler(out, *what) for what, out in self.written.items()]

    def of(self, level: str) -> str:
        return "".join(out.getvalue() for what, out in self.written.items() if what[0] == level)

    def keeps(self, *secrets: str) -> bool:
        """Whether words are at no level above DEBUG, and secrets at none."""
        assert WORD not in self.of("INFO")
        for secret in (SECRET, *secrets):
            assert secret not in self.of("INFO") + self.of("DEBUG")
        return True


def handler(out: io.StringIO, level: str, form: str) -> logging.Handler:
    """As LOG_LEVEL and LOG_FORMAT would make it, but for where it writes."""
    told = logbook(level=level, form=form, process="web-1")
    from_settings: Any = logging.config.DictConfigurator(told)
    made = logging.StreamHandler(out)
    made.setLevel(level)
    made.setFormatter(from_settings.configure_formatter(told["formatters"][form]))
    for name in told["handlers"]["console"]["filters"]:
        made.addFilter(from_settings.configure_filter(told["filters"][name]))
    return made


@pytest.fixture
def log() -> Iterator[Log]:
    """Everything is listened to that LOG_LEVEL=DEBUG lets through."""
    made, levels = Log(), logbook(level="DEBUG", form="line", process="")
    wanted = {name: given["level"] for name, given in levels["loggers"].items()} | {"": levels["root"]["level"]}
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, level in wanted.items():
        logging.getLogger(name).setLevel(level)
    for one in made.handlers:
        logging.getLogger().addHandler(one)
    yield made
    for one in made.handlers:
        logging.getLogger().removeHandler(one)
    for name, old in before.items():
        logging.getLogger(name).setLevel(old)


def quoting() -> Rejected:
    return Rejected(f"The model server says: cannot answer {WORD!r} with key sk-{SECRET}")


class Defect(ValueError):
    """As a library's own."""


def defective(*_: object, **__: object) -> Any:
    raise Defect(f"{WORD} with Bearer {SECRET}")
