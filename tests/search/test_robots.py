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
        ("User-agent: *\nDisallow: /a*b*c", "/a-b-c-d", False),
        ("User-agent: *\nDisallow: /a*b*c", "/a-c-b", True),
        ("User-agent: *\nDisallow: /a*c$", "/abcbc", False),
        ("User-agent: *\nDisallow: /a*c$", "/abcb", True),
        ("User-agent: *\nDisallow: /ab*b$", "/ab", True),
        ("User-agent: *\nDisallow: /ab$", "/abc", True),
        ("User-agent: *\nDisallow: /*", "/x", False),
    ],
)
def test_the_longest_rule_for_us_counts(robots: str, path: str, allowed: bool) -> None:
    assert robots_allow(robots, f"https://example.com{path}") is allowed


@given(st.text(max_size=300), st.text(alphabet="/ab*%$?.", max_size=30))
def test_any_text_gives_an_answer(robots: str, path: str) -> None:
    assert robots_allow(robots, f"https://example.com/{path}") in {True, False}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("stars", [4, 19, 200])
def test_a_rule_that_nearly_fits_does_not_take_long(stars: int) -> None:
    """With a pattern of `re` four stars and three hundred letters took nineteen seconds, of everybody's."""
    rules = "User-agent: *\n" + ("Disallow: /" + "*a" * stars + "b\n") * 2000
    assert robots_allow(rules, "https://example.com/" + "a" * 2000)
