"""What is written into the log, and in which form: the dictionary that Django hands to `logging`."""

from __future__ import annotations

from typing import Any

# At DEBUG these tell what they were given: statements with their values, headers with keys, addresses with tokens.
TALKATIVE = ("django.db.backends", "django.template", "httpcore", "httpx", "urllib3", "hpack", "openai", "google")


def logbook(*, level: str, form: str, process: str) -> dict[str, Any]:
    """For `LOGGING`. People's words may be in exceptions, which therefore say theirs at DEBUG alone."""
    words = level == "DEBUG"
    line = {"()": "apps.core.logs.LineFormatter", "format": "%(levelname)s %(name)s: %(message)s", "words": words}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": line,
            "json": {"()": "apps.core.logs.JsonFormatter", "process": process, "words": words},
        },
        "filters": {"visitors": {"()": "apps.core.logs.VisitorsMistakes"}, "names": {"()": "apps.core.tracing.Names"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": form, "filters": ["visitors", "names"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"level": level, "propagate": True},
            # Else every visitor could fill the log with addresses that do not exist.
            "django.request": {"level": "ERROR" if level == "WARNING" else level},
            **{name: {"level": "WARNING" if level in {"DEBUG", "INFO"} else level} for name in TALKATIVE},
        },
    }
