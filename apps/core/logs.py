"""How a line of the log looks: one line per event, whatever a visitor put into it, and nobody's words or secrets."""

from __future__ import annotations

import copy
import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
SECRETS = re.compile(
    r"""(nk_|whsec_|/accounts/link/|\bsk-|\bAIza|\bBearer[ ]|\b(?:sessionid|csrftoken)=)[A-Za-z0-9_.~+/-]{6,}=*
    |([?&](?:key|api_key|token|access_token)=)(?!nk_)[^&\s"']+
    |(://[^/\s:@]*:)[^/\s@]+(?=@)""",
    re.VERBOSE,
)
# Errors whose first line says what is wrong with the machine or the code; all others may quote what somebody wrote.
TELLING = {
    "AttributeError", "ConnectionError", "ImportError", "ImproperlyConfigured", "IntegrityError", "InterfaceError",
    "MemoryError", "NameError", "OSError", "OperationalError", "PoolTimeout", "TimeoutError", "TypeError",
}  # fmt: skip


def without_secrets(text: str) -> str:
    """The text with what looks like a key, a cookie, a password in an address or a sign-in link cut."""
    return SECRETS.sub(lambda found: next(filter(None, found.groups())) + "…", text)


def visible(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def told(error: BaseException) -> str:
    """What may be said of an error where people's words may not: its class, and its first line where that is sound."""
    kind = type(error)
    first = next(iter(str(error).splitlines()), "")
    if first and any(base.__name__ in TELLING for base in kind.__mro__):
        return f"{kind.__name__}: {first}"
    return kind.__name__


def chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The first cause, what came of it, and so on; each with what leads over to it."""
    one: BaseException | None = error
    found: list[tuple[BaseException, str]] = []
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        before = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        found.append(
            (one, "" if before is None else "which led to:" if one.__cause__ else "and while that was seen to:")
        )
        one = before
    return reversed(found)


def trace(error: BaseException) -> list[str]:
    """A traceback that quotes nobody: where in the code, and what may be told of each error."""
    lines: list[str] = []
    for one, lead in chain(error):
        lines += [lead] if lead else []
        for part in traceback.format_tb(one.__traceback__):
            lines += part.splitlines()
        lines.append(told(one))
        inner = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        lines += [f"  {line}" for single in inner for line in trace(single)]
    return lines


class VisitorsMistakes(logging.Filter):
    """A foreign Host or a forged form is the visitor's mistake: a warning in one line, without a traceback of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


def quoteless(record: logging.LogRecord) -> tuple[object, Any]:
    """A record's message and its values, with what may be told of the exceptions among them."""
    if isinstance(record.msg, BaseException):
        return "%s", (told(record.msg),)
    if record.name == "asyncio":  # below its first line stands the task with the whole exception
        return "%s", (record.getMessage().partition("\n")[0],)
    if isinstance(record.args, Mapping) and "exc" in record.args:  # Celery's word of a task that failed
        error = record.exc_info[1] if record.exc_info else None
        quoted = dict.fromkeys(("exc", "traceback", "args", "kwargs"), "…")
        return record.msg, {**record.args, **quoted, "exc": told(error) if error else "…"}
    if isinstance(record.args, tuple):
        return record.msg, tuple(told(one) if isinstance(one, BaseException) else one for one in record.args)
    return record.msg, record.args


class Wordless(logging.Formatter):
    """Leaves out what exceptions quote, unless `words` are wanted (which only DEBUG is for)."""

    words = False

    def sound(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as it may be written; the one that others get stays as it is."""
        made = copy.copy(record)
        made.exc_text = None  # another handler may have written the traceback out with all its words
        if not self.words:
            made.msg, made.args = quoteless(record)
        return made

    def formatException(self, ei: object) -> str:  # noqa: N802 (the name is logging's)
        error = ei[1] if isinstance(ei, tuple) else None
        if self.words or not isinstance(error, BaseException):
            return without_secrets(super().formatException(ei))  # type: ignore[arg-type]
        return without_secrets("\n".join(["Traceback:", *trace(error)]))


class JsonFormatter(Wordless):
    """One JSON object a line, for programs that collect logs. Secrets are cut as in the other format."""

    def __init__(self, process: str, *, words: bool = False) -> None:
        super().__init__()
        self.process, self.words = process, words

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        record = self.sound(record)
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self.process,
            "message": without_secrets(record.getMessage()),
            "request_id": getattr(record, "request_id", ""),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in fields.items() if value})


class LineFormatter(Wordless):
    """Keeps a message on one line: line breaks, terminal escapes and reversed text are written out as `\\n`, `\\x1b` ….

    A traceback of our own keeps its lines, indented, so that it cannot pass for other messages. What looks like an API
    key or a sign-in link is cut, wherever it comes from.
    """

    def __init__(self, format: str, *, words: bool = False) -> None:
        super().__init__(format)
        self.words = words

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, with its traceback below it."""
        return super().format(self.sound(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is logging's)
        line = CONTROL.sub(visible, super().formatMessage(record))
        name = getattr(record, "request_id", "")
        return without_secrets(line) + (f" [{name}]" if name else "")

    def formatException(self, ei: object) -> str:  # noqa: N802 (the name is logging's)
        lines = super().formatException(ei).splitlines()
        return "\n".join("  " + without_secrets(CONTROL.sub(visible, line)) for line in lines)
