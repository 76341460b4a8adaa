"""Which address somebody comes from: that of the connection, unless a proxy that we trust says whom it stands for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
HOPS = 20  # more proxies in a row nobody has


@cache
def _networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(name, strict=False) for name in names)


def parsed(text: str) -> Address | None:
    """An address without its zone; an IPv4 address that travels as IPv6 is one of IPv4."""
    try:
        found = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def is_trusted(address: Address) -> bool:
    """Whether this is a proxy of TRUSTED_PROXIES."""
    return any(address in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def client_address(peer: str, forwarded_for: str = "") -> str:
    """The address of the client: of the connection, or the last one in X-Forwarded-For that no trusted proxy has.

    What stands further to the left was written by the client itself, and could be anything.
    """
    nearest = parsed(peer)
    if nearest is None:
        return ""
    for hop in reversed(forwarded_for.split(",")[-HOPS:]):
        if not is_trusted(nearest):
            break
        told = parsed(hop)
        if told is None:
            break
        nearest = told
    return str(nearest)


def request_address(request: HttpRequest) -> str:
    """The client's address of an HTTP request; empty where there is none, behind a unix socket for example."""
    return client_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def scope_address(scope: dict[str, object]) -> str:
    """The same of an ASGI connection."""
    client = scope.get("client")
    peer = str(client[0]) if isinstance(client, list | tuple) and client else ""
    return client_address(peer, ",".join(_values(scope.get("headers"), b"x-forwarded-for")))


def _values(headers: object, name: bytes) -> Iterable[str]:
    pairs = headers if isinstance(headers, list | tuple) else []
    return [value.decode("latin-1") for key, value in pairs if key == name]


def network_of(address: str) -> str:
    """What one household has: the address itself, or the /64 of IPv6, in which anybody may take any address.

    Empty for this machine's own addresses: there everybody who comes through a proxy looks the same.
    """
    found = parsed(address)
    if found is None or found.is_loopback:
        return ""
    return str(ip_network(f"{found}/64", strict=False)) if isinstance(found, IPv6Address) else str(found)
