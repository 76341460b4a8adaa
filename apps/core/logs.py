"""How a line of the log looks: one line per event, whatever a visitor put into it."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

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


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for programs that collect logs. Secrets are cut as in the other format."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self.process,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", ""),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: SECRETS.sub(r"\1…", value) for name, value in fields.items() if value})


class LineFormatter(logging.Formatter):
    """Keeps a message on one line: line breaks, terminal escapes and reversed text are written out as `\\n`, `\\x1b` ….

    A traceback of our own keeps its lines, indented, so that it cannot pass for other messages. What looks like an API
    key or a sign-in link is cut, wherever it comes from.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is logging's)
        line = CONTROL.sub(visible, super().formatMessage(record))
        name = getattr(record, "request_id", "")
        return SECRETS.sub(r"\1…", line) + (f" [{name}]" if name else "")

    def formatException(self, ei: object) -> str:  # noqa: N802 (the name is logging's)
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        return "\n".join("  " + SECRETS.sub(r"\1…", CONTROL.sub(visible, line)) for line in lines)
