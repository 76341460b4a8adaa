"""From bytes to main text: charsets, menus, languages, and what would hang or swell."""

from __future__ import annotations

import pytest

from apps.core.confined import Confined, Warm
from apps.search.extraction import page_decode, page_extract, tidy

ARTICLE = (
    "<p>The bridge of Tarrow was opened in 1931 and carries a road and two railway tracks across the strait.</p>" * 4
)
WHOLE = (
    f"<html lang=en-GB><head><title>Tarrow &amp; its\n bridge</title></head><body><nav>Home Login</nav>"
    f"<article><h1>Bridge</h1>{ARTICLE}</article><footer>Imprint</footer></body></html>"
)


def test_the_main_text_comes_without_menus() -> None:
    found = page_extract(WHOLE.encode(), "utf-8", True)
    assert "railway tracks" in found["text"]
    assert "Login" not in found["text"]
    assert (found["title"], found["language"]) == ("Tarrow & its bridge", "en-gb")


def test_plain_text_stays_as_it_is() -> None:
    assert page_extract(b"a <b> c\r\n\r\n\r\nd", "", False)["text"] == "a <b> c\n\nd"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Brücke".encode("latin-1"), "iso-8859-1", "Brücke"),
        ("Brücke".encode(), "", "Brücke"),
        ("Brücke".encode("cp1252"), "", "Brücke"),
        (b"\xef\xbb\xbfx", "latin-1", "x"),
        ("Brücke".encode("utf-16"), "", "Brücke"),
        ("мост".encode("cp1251"), "windows-1251", "мост"),
        (b"<meta charset=windows-1251>" + "мост".encode("cp1251"), "", "<meta charset=windows-1251>мост"),
        ("“Brücke”".encode("cp1252"), "iso-8859-1", "“Brücke”"),
        ("橋".encode("shift_jis"), "shift_jis", "橋"),
        ("Brücke".encode(), "no-such-charset", "Brücke"),
    ],
)
def test_the_charset_is_found(body: bytes, charset: str, text: str) -> None:
    assert page_decode(body, charset) == text


def test_what_hides_or_turns_letters_is_taken_out() -> None:
    assert tidy("a\u202eb\u200bc\x00d\ud800") == "abcd"


@pytest.mark.parametrize("bomb", [b"<div>" * 300_000, b"<a " + b"x=1 " * 400_000, b"<p>" + b"&amp;" * 400_000])
def test_a_page_that_is_a_bomb_ends_soon_and_alone(bomb: bytes) -> None:
    cell = Warm(memory_mb=300)
    try:
        assert isinstance(cell.run("apps.search.extraction.page_extract", bomb, "", True, seconds=6), dict)
    except Confined as error:
        assert error.code in {"took_too_long", "took_too_much", "unreadable"}  # noqa: PT017 (either end is good)
    finally:
        cell.end()
