"""Reads settings from environment variables, with one clear sentence for each wrong value."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
PASSWORD = re.compile(r"//[^/@]*@")
RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)")


class SettingError(Exception):
    """A setting has a value that Nitro cannot work with; the text names setting, value and what is allowed."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} is {value!r}, but it must be {allowed}.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Environment:
    """Typed reading of a mapping such as `os.environ`. Every method raises `SettingError` on a wrong value."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding white space, or the default where it is unset or blank."""
        return self.values.get(name, "").strip() or default

    def boolean(self, name: str, default: bool) -> bool:
        raw = self.text(name, "true" if default else "false").lower()
        if raw not in TRUE | FALSE:
            raise SettingError(name, raw, "true or false")
        return raw in TRUE

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        raw = self.text(name, str(default))
        if not re.fullmatch(r"-?[0-9]{1,12}", raw) or not low <= int(raw) <= high:
            raise SettingError(name, raw, f"a whole number from {low} to {high}")
        return int(raw)

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        raw = self.text(name, str(default))
        allowed = f"a number from {low:g} to {high:g}"
        try:
            value = float(raw)
        except ValueError as error:
            raise SettingError(name, raw, allowed) from error
        if not low <= value <= high:
            raise SettingError(name, raw, allowed)
        return value

    def choice(self, name: str, default: str, allowed: Collection[str]) -> str:
        raw = self.text(name, default)
        matches = [item for item in allowed if item.lower() == raw.lower()]
        if not matches:
            raise SettingError(name, raw, "one of " + ", ".join(allowed))
        return matches[0]

    def choices(self, name: str, default: str, allowed: Collection[str]) -> list[str]:
        """A comma-separated list, each item one of `allowed`, without repetition."""
        items = [item.strip().lower() for item in self.text(name, default).split(",") if item.strip()]
        if not set(items) <= set(allowed):
            raise SettingError(name, ",".join(items), "a comma-separated list of " + ", ".join(allowed))
        return list(dict.fromkeys(items))

    def names(self, name: str, default: str = "") -> list[str]:
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def networks(self, name: str, default: str = "") -> list[str]:
        """Addresses and networks such as `10.0.0.0/8`, separated by commas."""
        items = self.names(name, default)
        allowed = "addresses or networks such as 10.0.0.0/8, separated by commas"
        for item in items:
            try:
                ip_network(item, strict=False)
            except ValueError as error:
                raise SettingError(name, item, allowed) from error
        return items

    def counts(self, name: str, allowed: Collection[str], *, low: int, high: int) -> dict[str, int]:
        """A comma-separated list of `name=count`, each name one of `allowed`."""
        found: dict[str, int] = {}
        for item in self.names(name):
            key, _, count = (part.strip() for part in item.partition("="))
            if key not in allowed or not re.fullmatch(r"[0-9]{1,9}", count) or not low <= int(count) <= high:
                form = f"{', '.join(allowed)}, each with = and a whole number from {low} to {high}, separated by commas"
                raise SettingError(name, item, form)
            found[key] = int(count)
        return found

    def rate(self, name: str, default: str) -> str:
        raw = self.text(name, default)
        if not RATE.fullmatch(raw):
            raise SettingError(name, raw, "a count and a period such as 60/minute (second, minute, hour or day)")
        return raw

    def url(self, name: str, default: str = "", *, schemes: Collection[str] = ("http", "https")) -> str:
        """An address. It may hold a password, so that it is also read from a file, and never repeated in full."""
        raw = self.secret(name, default)
        if raw and not (re.fullmatch(rf"({'|'.join(schemes)})://\S+", raw) and has_port_or_none(raw)):
            begin = " or ".join(f"{scheme}://" for scheme in schemes)
            raise SettingError(name, PASSWORD.sub("//…@", raw), f"an address that begins with {begin}")
        return raw.rstrip("/")

    def urls(self, name: str) -> list[str]:
        """Several addresses, separated by commas."""
        return [Environment({name: item}).url(name) for item in self.names(name)]

    def places(self, name: str) -> list[tuple[str, int]]:
        """Numbers and ports such as `192.168.1.7:8080` or `[fd00::7]:80`, separated by commas."""
        return [self._place(name, item) for item in self.names(name)]

    def _place(self, name: str, item: str) -> tuple[str, int]:
        host, _, port = item.rpartition(":")
        try:
            number = ip_address(host.removeprefix("[").removesuffix("]"))
            if not 0 < int(port) < 65536:
                raise ValueError(port)
        except ValueError as error:
            raise SettingError(name, item, "numbers with ports, such as 192.168.1.7:8080") from error
        return str(number), int(port)

    def secret(self, name: str, default: str = "") -> str:
        """The value of NAME, or the content of the file that NAME_FILE points to."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        allowed = "a readable text file that holds the secret"
        try:
            found = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, ValueError, RuntimeError) as error:
            raise SettingError(f"{name}_FILE", path, allowed) from error
        if not found:
            raise SettingError(f"{name}_FILE", path, f"{allowed}, and this one is empty")
        return found

    def pairs(self, name: str) -> dict[str, str]:
        """A comma-separated list of `name=value`; it may hold secrets, so that it is also read from a file."""
        found: dict[str, str] = {}
        for item in filter(None, (part.strip() for part in self.secret(name).split(","))):
            key, equals, value = item.partition("=")
            if not key.strip() or not equals:
                raise SettingError(name, "…", "names with values, such as api-key=123, separated by commas")
            found[key.strip()] = value.strip()
        return found

    def path(self, name: str, default: str) -> Path:
        raw = self.text(name, default)
        try:
            return Path(raw).expanduser().absolute()
        except RuntimeError as error:  # `~somebody`, where there is no such user
            raise SettingError(name, raw, "the path of a folder") from error


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_port_or_none(url: str) -> bool:
    """Whether the part of an address that says where to connect can be understood."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
