"""Addresses and keys of model servers that cannot be right: named with a way to repair, and left out, so that Nitro
starts all the same and the other servers answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apps.core.metadata import is_metadata
from nitro.environment import PASSWORD, has_port_or_none

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
SHOWN = 80


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one setting, and how to repair it."""

    setting: str
    message: str
    hint: str


@dataclass(slots=True)
class Soundness:
    """Looks at settings one after the other; `found` is what was wrong."""

    found: list[Flaw] = field(default_factory=list)

    def address(self, name: str, raw: str) -> str:
        """The address without a slash at its end, empty where it cannot be one."""
        flaw = address_flaw(name, raw) if raw else None
        if flaw is not None:
            self.found.append(flaw)
            return ""
        return raw.rstrip("/")

    def addresses(self, name: str, raw: Iterable[str]) -> list[str]:
        """Those that can be right."""
        return [sound for item in raw if (sound := self.address(name, item.strip()))]

    def key(self, name: str, raw: str) -> str:
        """The key, empty where it cannot be sent as it is."""
        if raw.isascii() and raw.isprintable() and " " not in raw:
            return raw
        what = "a line break" if re.search(r"[\r\n]", raw) else "a space or a character that no key has"
        hint = "Copy the key again, in one piece and on one line."
        self.found.append(Flaw(name, f"{name} has {what} in it and is not used.", hint))
        return ""


def address_flaw(name: str, raw: str) -> Flaw | None:
    """What is wrong with the address of a model server; None for a sound one. This machine and its network are fine."""
    shown = PASSWORD.sub("//…@", raw)[:SHOWN]
    scheme = SCHEME.match(raw)
    if re.search(r"[\s\x00-\x1f\x7f]", raw):
        return Flaw(name, f"{name} is {shown!r}, which has white space in it.", "Write it without.")
    if scheme is None:
        hint = f"Write {name}=http://{shown}, or https:// where the server wants it."
        return Flaw(name, f"{name} is {shown!r}, which does not begin with http:// or https://.", hint)
    if scheme[1].lower() not in {"http", "https"}:
        hint = "Model servers are asked over http:// or https://."
        return Flaw(name, f"{name} is {shown!r}, and {scheme[1]}:// is no way to ask a model.", hint)
    host = _host(raw)
    if not host:
        return Flaw(
            name, f"{name} is {shown!r}, in which host or port cannot be understood.", "Write http://host:port."
        )
    if is_metadata(host):
        hint = "Write the address of the model server. Nitro never goes to this one."
        return Flaw(name, f"{name} is {shown!r}, where a cloud tells its machines their secrets.", hint)
    return None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "") if has_port_or_none(url) else ""
    except ValueError:
        return ""
