"""Which addresses may be visited: by their text, and by the number behind it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.outside.addresses import address_read, number_is_public, place_check
from apps.core.outside.errors import AddressRefused

TRICKS = [
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./x\\@example.com",
    "http://①②⑦.⓪.⓪.①.example:80@127.0.0.1/",
    "http://user@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1%2f@example.com/",
    "http://127.0.0.1%00.example.com/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://app.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:99999/",
    "http://[::1%25lo]/",
    "http://[::1/",
    "http:///path",
    "http://",
    "https:example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/html,hello",
    "javascript:alert(1)",
    "http://exam ple.com/",
    "http://example.com/\r\nHost: inside",
    "http://example.com/" + "x" * 3000,
    "http://" + "x" * 300 + ".com/",
    "http://-x.com/",
    "http://x..com/",
]
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "100::1",
    "2001:0:7f00:1::ffff:ffff", "2001:0:808:808::f5ff:fffe", "2001:db8::1", "2001:2::1", "3fff::1", "5f00::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "2600:1901::5efe:7f00:1",
    "2600:1901::200:5efe:a00:1", "4000::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700:4700::1111",
    "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1", "2001:4860:4860::8888",
]  # fmt: skip


@pytest.mark.parametrize("url", TRICKS)
def test_tricks_are_refused_before_anybody_resolves_them(url: str) -> None:
    with pytest.raises(AddressRefused):
        address_read(url)


@pytest.mark.parametrize("number", PRIVATE)
def test_a_private_number_is_not_public_however_it_is_wrapped(number: str) -> None:
    assert not number_is_public(ip_address(number))


@pytest.mark.parametrize("number", PUBLIC)
def test_a_public_number_is_public(number: str) -> None:
    assert number_is_public(ip_address(number))


@given(st.ip_addresses(v=4))
def test_a_wrapped_number_is_as_public_as_the_number_itself(number: object) -> None:
    bits = int(number)  # type: ignore[call-overload]
    public = number_is_public(number)  # type: ignore[arg-type]
    for wrapped in (0xFFFF << 32 | bits, 0x64FF9B << 96 | bits, 0x2002 << 112 | bits << 80):
        assert number_is_public(ip_address(wrapped.to_bytes(16))) == public


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com:443/a?b=c#d", "https://example.com/a?b=c"),
        ("http://example.com:8080/x", "http://example.com:8080/x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[2606:4700:4700::1111]:8080/", "http://[2606:4700:4700::1111]:8080/"),
        ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]/"),
        ("http://my_host.example/", "http://my_host.example/"),
    ],
)
def test_an_address_is_written_in_its_usual_form(url: str, expected: str) -> None:
    assert address_read(url).url.replace("::ffff:127.0.0.1", "::ffff:7f00:1") == expected


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "127。0。0。1", "\uff11\uff12\uff17.0.0.1"])
def test_other_digits_become_the_number_that_they_stand_for(host: str) -> None:
    read = address_read(f"http://{host}/")
    assert read.host == "127.0.0.1"
    with pytest.raises(AddressRefused):
        place_check(read.host, read.port)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.com{text}"):
        try:
            read = address_read(url)
        except AddressRefused:
            continue
        assert address_read(read.url) == read


def test_a_place_that_was_opened_is_open_at_that_port_alone() -> None:
    place_check("127.0.0.1", 8080, [("127.0.0.1", 8080)])
    with pytest.raises(AddressRefused):
        place_check("127.0.0.1", 8081, [("127.0.0.1", 8080)])
