"""One's own library: texts that are here already, for when the internet is not.

Other apps put up shelves of theirs; this app's own shelf holds the pages that were read for earlier searches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.accounts.models import User
from apps.search import selectors

MOST = 6


@dataclass(frozen=True, slots=True)
class Book:
    """A text of somebody's own. `url` is an address of ours, or that of the page that was saved."""

    url: str
    title: str
    text: str


Shelf = Callable[[User, str, int], Sequence[Book]]
_shelves: list[Shelf] = []


def shelf_add(shelf: Shelf) -> None:
    """Let searches look here too. A shelf takes (user, query, limit) and gives only what belongs to the user."""
    if shelf not in _shelves:
        _shelves.append(shelf)


def books_find(*, user: User, query: str, limit: int = MOST) -> list[Book]:
    """What a person has that fits a question, saved pages first. Sync: it reads rows."""
    found = [Book(source.url, source.title, source.text) for source in saved(user, query, limit)]
    for shelf in _shelves:
        found += shelf(user, query, limit)
    unique = {book.url: book for book in reversed(found)}
    return list(reversed(unique.values()))[: 2 * limit]


def saved(user: User, query: str, limit: int) -> Sequence[selectors.SavedPage]:
    """Pages that were read for earlier searches of the same person."""
    return selectors.pages_search(user=user, query=query, limit=limit)
