"""What can go wrong behind the door: each a sentence that may be shown to whoever named the address."""

from __future__ import annotations

from apps.core.errors import NitroError


class OutsideError(NitroError):
    """An address could not be read."""

    code = "outside"
    status = 502
    permanent = False
    hint = "Look at the address in a browser, and try again later."


class AddressRefused(OutsideError):
    """Nitro does not go to such an address, whoever asks."""

    code = "address_refused"
    status = 400
    permanent = True
    hint = "Only public web addresses that begin with http:// or https:// can be read."


class Unreachable(OutsideError):
    """There is no such host, nobody listens there, or the connection broke."""

    code = "outside_unreachable"


class TooSlow(OutsideError):
    """It did not answer in the time it was given, or dripped."""

    code = "outside_too_slow"
    status = 504


class TooLarge(OutsideError):
    """It sent more than it may."""

    code = "outside_too_large"
    permanent = True


class WrongType(OutsideError):
    """It is not the kind of thing that was asked for."""

    code = "outside_wrong_type"
    permanent = True


class BadAnswer(OutsideError):
    """It answered with an error, or with something that is no HTTP. `answered` is its status, 0 where it had none."""

    code = "outside_bad_answer"

    def __init__(self, message: str, *, answered: int = 0) -> None:
        super().__init__(message)
        self.answered = answered
