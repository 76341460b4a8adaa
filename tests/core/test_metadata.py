"""Nobody is sent to where a cloud keeps a machine's secrets, however the address is written."""

from __future__ import annotations

import pytest

from apps.core.metadata import is_metadata

THERE = """169.254.169.254 169.254.170.2 2852039166 0xa9fea9fe 0xA9.254.169.254 169.254.43518 0251.0376.0251.0376
    fd00:ec2::254 [fd00:ec2::254] fd00:0ec2:0:0:0:0:0:254 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe
    metadata.google.internal Metadata.Google.Internal. metadata 100.100.100.200 192.0.0.192 168.63.129.16""".split()
ELSEWHERE = """localhost 127.0.0.1 ::1 10.0.0.5 192.168.1.7 172.16.0.1 100.64.0.1 fd12::1 nas.local api.openai.com
    metadata.example.com 169.253.1.1 8.8.8.8 64:ff9b::808:808""".split()


@pytest.mark.parametrize("host", THERE)
def test_metadata_services_are_known_in_every_spelling(host: str) -> None:
    assert is_metadata(host)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_hosts_are_not_taken_for_one(host: str) -> None:
    assert not is_metadata(host)
