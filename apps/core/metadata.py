"""Addresses at which clouds tell a machine its secrets: no model server is ever there, and nobody is sent there."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
LINK_LOCAL = IPv4Network("169.254.0.0/16")  # nearly all clouds, and nothing else that stays where it is
OTHERS_4 = frozenset(map(IPv4Address, ("100.100.100.200", "192.0.0.192", "168.63.129.16")))
OTHERS_6 = frozenset({IPv6Address("fd00:ec2::254"), IPv6Address("fd00:42::42"), IPv6Address("fd20:ce::254")})
WRAPPED = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")


def is_metadata(host: str) -> bool:
    """Whether a host, a name or a number in any spelling, is such an address. Asks no name server."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare in NAMES:
        return True
    number = _number(bare)
    if isinstance(number, IPv6Address) and any(number in network for network in WRAPPED):
        number = IPv4Address(int(number) & 0xFFFFFFFF)
    if isinstance(number, IPv4Address):
        return number in LINK_LOCAL or number in OTHERS_4
    return number in OTHERS_6


def _number(host: str) -> IPv4Address | IPv6Address | None:
    """The number that a resolver would take the host for; None where it is a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not NUMERIC.fullmatch(host):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))  # 2852039166, 0xa9fea9fe, 169.254.43518
    except OSError:
        return None
