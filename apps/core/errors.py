"""The one family of errors that people and programs get to see."""

from __future__ import annotations


class NitroError(Exception):
    """Something went wrong that can be told: a sentence for people, a code for programs and a hint how to repair it.

    Subclasses set `code`, `status` (the HTTP status that fits) and `permanent` (whether trying again is useless).
    """

    code = "error"
    status = 500
    permanent = True
    hint = ""

    def __init__(self, message: str, *, code: str = "", hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.hint = hint or self.hint
        self.retry_after = retry_after


class NotFound(NitroError):
    """There is no such thing, or it belongs to somebody else: both look the same from outside."""

    code = "not_found"
    status = 404
    hint = "It may have been deleted, or the address is mistyped."


class Invalid(NitroError):
    """The input cannot be taken as it is."""

    code = "invalid"
    status = 400


class NotAllowed(NitroError):
    """The caller is known but may not do this."""

    code = "not_allowed"
    status = 403


class Conflict(NitroError):
    """It does not fit to how things are by now."""

    code = "conflict"
    status = 409
    permanent = False


class Changed(NitroError):
    """Somebody else has changed it since the caller looked at it."""

    code = "changed"
    status = 412
    hint = "Read it again, and send the new ETag as If-Match."


class Busy(NitroError):
    """Right now it does not go; the same request may work later."""

    code = "busy"
    status = 503
    permanent = False


class DatabaseAway(Busy):
    """PostgreSQL does not answer; nothing was saved."""

    code = "database_away"
    hint = "Nothing was lost that was accepted before. Try again in a few seconds."
