"""What a site asks of robots (RFC 9309): pure reading of robots.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

NAME = "nitro"
MOST_RULES = 2_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a group."""

    allows: bool
    path: str

    def fits(self, path: str) -> bool:
        """Whether this rule speaks of the path; `*` stands for anything and a final `$` for the end.

        Each piece between stars is taken where it stands first, which is right for stars and never looks back: a
        pattern for `re` could be made to take hours by whoever writes the file.
        """
        whole = self.path.endswith("$")
        first, *pieces = self.path.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        if not pieces:
            return not whole or path == first
        last = pieces.pop() if whole else ""
        at = len(first)
        for piece in pieces:
            found = path.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return path.endswith(last) and len(path) - len(last) >= at


def robots_allow(robots: str, url: str) -> bool:
    """Whether a site lets us read an address: of the rules that fit the longest counts, and of equals the kinder."""
    parts = urlsplit(url)
    path = unquote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
    fitting = [rule for rule in _rules(robots) if rule.fits(path)]
    best = max(fitting, key=lambda rule: (len(rule.path), rule.allows), default=None)
    return best is None or best.allows


def _rules(robots: str) -> list[Rule]:
    """The rules for us by name; where we are not named, those for everybody."""
    groups = list(_groups(robots))
    ours = [rule for names, rules in groups if NAME in names for rule in rules]
    if ours or any(NAME in names for names, _ in groups):
        return ours
    return [rule for names, rules in groups if "*" in names for rule in rules]


def _groups(robots: str) -> Iterator[tuple[set[str], list[Rule]]]:
    names: set[str] = set()
    rules: list[Rule] = []
    for field, value in list(_lines(robots))[:MOST_RULES]:
        if field == "user-agent":
            if rules:
                yield names, rules
                names, rules = set(), []
            names.add(value.split("/")[0].strip().lower())
        elif names and value:
            rules.append(Rule(field == "allow", re.sub(r"\*+", "*", unquote(value))))
    if names:
        yield names, rules


def _lines(robots: str) -> Iterator[tuple[str, str]]:
    for line in robots.lstrip("\ufeff").splitlines():
        field, colon, value = line.split("#", 1)[0].partition(":")
        name = field.strip().lower()
        if colon and name in {"user-agent", "allow", "disallow"}:
            yield name, value.strip()
