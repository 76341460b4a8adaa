"""robots.txt as RFC 9309 has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.robots import robots_allow

RULES = """
# comment
User-agent: *
Disallow: /private
Allow: /private/open   # longer
Disallow: /*.pdf$
Disallow: /search?q=

User-agent: GoodBot
User-agent: Nitro
Disallow: /nitro-not
"""


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        ("", "/", True),
        ("User-agent: *\nDisallow: /", "/anything", False),
        ("User-agent: *\nDisallow:", "/anything", True),
        ("User-agent: other\nDisallow: /", "/anything", True),
        (RULES, "/private/x", True),
        (RULES, "/nitro-not/x", False),
        (RULES.replace("Nitro", "Nobody"), "/private/x", False),
        (RULES.replace("Nitro", "Nobody"), "/private/open/x", True),
        (RULES.replace("Nitro", "Nobody"), "/a/b.pdf", False),
        (RULES.replace("Nitro", "Nobody"), "/a/b.pdfx", True),
        (RULES.replace("Nitro", "Nobody"), "/search?q=1", False),
        ("user-agent:*\nDISALLOW:/a%20b", "/a b", False),
        ("User-agent: nitro/1.0\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow: /x\nAllow: /x", "/x", True),
        ("\ufeffUser-agent: *\nDisallow: /x", "/x", False),
    ],
)
def test_the_longest_rule_for_us_counts(robots: str, path: str, allowed: bool) -> None:
    assert robots_allow(robots, f"https://example.com{path}") is allowed


@given(st.text(max_size=300), st.text(alphabet="/ab*%$?.", max_size=30))
def test_any_text_gives_an_answer(robots: str, path: str) -> None:
    assert robots_allow(robots, f"https://example.com/{path}") in {True, False}


def test_many_stars_do_not_take_long() -> None:
    rules = "User-agent: *\n" + "Disallow: /" + "*a" * 200 + "\n"
    assert robots_allow(rules * 50, "https://example.com/" + "a" * 2000)
