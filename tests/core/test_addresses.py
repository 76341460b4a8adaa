"""Whom a connection is counted for: nobody can choose that by a header, unless a trusted proxy wrote it."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from apps.core.addresses import client_address, network_of, request_address, scope_address


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ([], "203.0.113.5", "198.51.100.1", "203.0.113.5"),
        (["127.0.0.1"], "127.0.0.1", "", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        (["127.0.0.1"], "127.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        (["127.0.0.1"], "203.0.113.5", "198.51.100.1", "203.0.113.5"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", "198.51.100.1, 10.1.2.3", "198.51.100.1"),
        (["127.0.0.1"], "127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "2001:db8::7", "2001:db8::7"),
        (["0.0.0.0/0"], "10.0.0.1", "9.9.9.9", "9.9.9.9"),
        ([], "", "198.51.100.1", ""),
        ([], "fe80::1%eth0", "", "fe80::1"),
    ],
)
def test_only_trusted_proxies_say_for_whom_they_stand(
    settings: Settings, trusted: list[str], peer: str, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    assert client_address(peer, forwarded) == found


def test_requests_and_sockets_agree(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1")
    scope: dict[str, object] = {"client": ["127.0.0.1", 1], "headers": [(b"x-forwarded-for", b"198.51.100.1")]}
    assert request_address(request) == scope_address(scope) == "198.51.100.1"


def test_a_scope_without_a_client_has_no_address() -> None:
    assert scope_address({"client": None}) == scope_address({}) == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_whoever_owns_a_whole_network_of_ipv6_counts_once(address: str, network: str) -> None:
    assert network_of(address) == network
