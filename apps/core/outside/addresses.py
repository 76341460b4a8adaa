"""Which addresses may be visited: pure checks of texts and numbers, without any network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit, urlunsplit

from apps.core.outside.errors import AddressRefused

LONGEST = 2048
PORTS = {"http": 80, "https": 443}
LOWEST_OTHER_PORT = 1024
# Ports above 1024 behind which other protocols live that could take an HTTP request for something else.
OTHER_PROTOCOLS = frozenset(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 6000, 6379}
    | {6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9092, 9200, 10080, 11211, 27017}
)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_OWN_NAMES = ("localhost", "local", "internal", "home.arpa", "localdomain", "onion")

# RFC 6890 and IANA's registries of special addresses. Python 3.11's `is_global` errs on several of them.
_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
            "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 "
            "198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"  # the last: a cloud's own service
        ).split(),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_BITS = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")))  # compatible, mapped, translated
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)

Number = IPv4Address | IPv6Address
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Address:
    """A web address taken apart once, so that nobody after this reads it differently."""

    scheme: str
    host: str
    port: int
    url: str


def address_read(url: str) -> Address:
    """Take an address apart. Raises `AddressRefused` for whatever is not plainly one of the public web."""
    if len(url) > LONGEST or _UNPRINTABLE.search(url):
        raise AddressRefused("That address is too long, or holds characters that no address has.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise AddressRefused("That is no address.") from error
    if parts.scheme not in PORTS:
        raise AddressRefused("Only http:// and https:// addresses can be read.")
    if "@" in parts.netloc:
        raise AddressRefused("Addresses with a user name in them are not visited.")
    host = _host(host)
    port = _port(parts.scheme, port)
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
    return Address(parts.scheme, host, port, urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")))


def _host(host: str) -> str:
    """The host in ASCII; names of this machine and its network are refused before anybody resolves them."""
    if ":" in host:
        return _number(host)
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise AddressRefused("That host name does not exist.") from error
    if len(ascii_host) > 253 or not _HOST.fullmatch(ascii_host):
        raise AddressRefused("That host name does not exist.")
    bare = ascii_host.rstrip(".")
    if bare.endswith(_OWN_NAMES) and (bare in _OWN_NAMES or bare.endswith(tuple(f".{name}" for name in _OWN_NAMES))):
        raise AddressRefused("That address is not of the public web.")
    if _looks_numeric(bare):
        return _number(bare)
    return ascii_host


def _looks_numeric(host: str) -> bool:
    """Whether a resolver would take the host for a number in some spelling: 127.1, 2130706433, 0x7f.0.0.1, 0177.1."""
    return re.fullmatch(r"(?:0x[0-9a-f]*|[0-9]+)", host.rsplit(".", 1)[-1]) is not None


def _number(host: str) -> str:
    """A number in its one usual spelling; every other one is refused, since only tricks are written like that."""
    try:
        number = ip_address(host)
    except ValueError as error:
        raise AddressRefused("That address is not of the public web.") from error
    if isinstance(number, IPv6Address) and number.scope_id:
        raise AddressRefused("That address is not of the public web.")
    return str(number)


def _port(scheme: str, port: int | None) -> int:
    found = PORTS[scheme] if port is None else port
    if found not in PORTS.values() and (found < LOWEST_OTHER_PORT or found in OTHER_PROTOCOLS):
        raise AddressRefused(f"No web pages are read from port {found}.")
    return found


def number_is_public(number: Number) -> bool:
    """Whether an address belongs to the public internet, with every address that may be hidden inside of it."""
    if isinstance(number, IPv4Address):
        return not any(number in network for network in _SPECIAL_4)
    hidden = list(_hidden(number))
    if hidden and not all(number_is_public(inner) for inner in hidden):
        return False
    if number in _NAT64 or number in _6TO4 or number in _TEREDO or any(number in network for network in _LOW_BITS):
        return bool(hidden)
    return number in _PUBLIC_6 and not any(number in network for network in _SPECIAL_6)


def _hidden(number: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that a tunnel or a translator would go on to."""
    bits = int(number)
    if number in _NAT64 or any(number in network for network in _LOW_BITS):
        yield IPv4Address(bits & 0xFFFFFFFF)
    if number in _6TO4:
        yield IPv4Address(bits >> 80 & 0xFFFFFFFF)
    if number in _TEREDO:
        yield IPv4Address(bits >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~bits & 0xFFFFFFFF)
    if bits >> 32 & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(bits & 0xFFFFFFFF)


def place_check(number: str, port: int, allowed: Iterable[Place] = ()) -> None:
    """Raise `AddressRefused` unless a connection may be made to this number and port.

    `allowed` are places that the operator (or a test) has opened by name although they are not public.
    """
    if (number, port) in allowed:
        return
    if "%" in number or not number_is_public(ip_address(number)):
        raise AddressRefused("That address leads into a private network, where Nitro does not go.")
