"""How a line of the log looks: one line per event, whatever a visitor put into it."""

from __future__ import annotations

import logging
import re

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
SECRETS = re.compile(r"(nk_|/accounts/link/)[A-Za-z0-9_-]{6,}")


def visible(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


class VisitorsMistakes(logging.Filter):
    """A foreign Host or a forged form is the visitor's mistake: a warning in one line, without a traceback of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


class LineFormatter(logging.Formatter):
    """Keeps a message on one line: line breaks, terminal escapes and reversed text are written out as `\\n`, `\\x1b` ….

    A traceback of our own keeps its lines, indented, so that it cannot pass for other messages. What looks like an API
    key or a sign-in link is cut, wherever it comes from.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is logging's)
        line = CONTROL.sub(visible, super().formatMessage(record))
        return SECRETS.sub(r"\1…", line)

    def formatException(self, ei: object) -> str:  # noqa: N802 (the name is logging's)
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        return "\n".join("  " + SECRETS.sub(r"\1…", CONTROL.sub(visible, line)) for line in lines)
