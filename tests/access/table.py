"""The access matrix: for every address, who gets what. A new address needs a row here, or the tests fail.

`owner` is Alice, to whom everything in the address belongs; `other` is Bob; `admin` is somebody with all rights who
owns none of it; `inactive` is Alice in her open browser after her account was switched off; `key` is a program of Alice
whose key has every everyday scope but the one that is needed (pages take no keys, so there it is a stranger).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PEOPLE = ("owner", "other", "anonymous", "admin", "inactive", "key")
SIGN_IN = 302  # to the sign-in page


@dataclass(frozen=True)
class Row:
    """One address and method, and the status for each of PEOPLE.

    `scope` is what a key needs there, if it takes keys; `names` says which thing of Alice fills a parameter, where it
    is not the one of the same name.
    """

    route: str
    method: str
    statuses: tuple[int, int, int, int, int, int]
    scope: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    json: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def status(self, person: str) -> int:
        return self.statuses[PEOPLE.index(person)]


def everybody(route: str, status: int, method: str = "get") -> Row:
    """The same for all."""
    return Row(route, method, (status,) * 6)


def own(route: str, status: int, method: str = "get", **form: str) -> Row:
    """A page about something of Alice: for her alone, 404 for everybody else who is signed in."""
    return Row(route, method, (status, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), form=form)


def personal(route: str, status: int, method: str = "get", **form: str) -> Row:
    """A page that shows everybody their own things."""
    return Row(route, method, (status, status, SIGN_IN, status, SIGN_IN, SIGN_IN), form=form)


def program(route: str, status: int, method: str = "get", scope: str = "chat", **form: str) -> Row:
    """An address of the API that gives everybody their own things."""
    return Row(route, method, (status, status, 401, status, 401, 403), scope=scope, form=form, json=True)


def program_own(route: str, status: int, method: str = "get", scope: str = "chat", **form: str) -> Row:
    """An address of the API about something of Alice."""
    return Row(route, method, (status, 404, 401, 404, 401, 403), scope=scope, form=form, json=True)
