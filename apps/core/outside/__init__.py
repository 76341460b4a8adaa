"""The one door for everything that leaves this machine to an address that a user named: pages, webhooks, pictures."""

from apps.core.outside.door import Answer, Bounds, Hook, fetch, post
from apps.core.outside.errors import AddressRefused, BadAnswer, OutsideError, TooLarge, TooSlow, Unreachable, WrongType

__all__ = [
    "AddressRefused",
    "Answer",
    "BadAnswer",
    "Bounds",
    "Hook",
    "OutsideError",
    "TooLarge",
    "TooSlow",
    "Unreachable",
    "WrongType",
    "fetch",
    "post",
]
