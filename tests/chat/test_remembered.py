"""The remembered answers as a whole."""

from __future__ import annotations

import orjson

from apps.chat import remembered
from apps.chat.replies import REPLY
from apps.core import memory


def keep(whose: int, number: int, author: int | None = None) -> None:
    value = orjson.dumps({"user_id": whose if author is None else author, "text": "x" * 100})
    memory.ask(lambda redis: redis.set(f"{REPLY}{whose}:{number}", value, ex=60))


def test_they_are_counted_by_person() -> None:
    for number in range(1500):
        keep(7, number)
    keep(8, 0)
    found = remembered.look()
    assert (found.answers, found.by_user[7].answers, found.by_user[8].answers) == (1501, 1500, 1)
    assert found.size > 150_000
    assert found.is_whole


def test_one_persons_are_forgotten_and_nobody_elses() -> None:
    for whose in (7, 77):
        keep(whose, 1)
    keep(0, 1, author=7)  # where answers are shared
    keep(0, 2, author=77)
    assert remembered.clear_of(7) == 2
    assert {name: shelf.answers for name, shelf in remembered.look().by_user.items()} == {77: 1, 0: 1}
    assert remembered.clear() == 2
    assert remembered.look().answers == 0


def test_what_cannot_be_read_is_nobodys() -> None:
    for number, value in enumerate((b"nonsense", b"[1]", b'{"user_id": "7"}')):
        memory.ask(lambda redis, number=number, value=value: redis.set(f"{REPLY}0:{number}", value, ex=60))  # type: ignore[misc]
    assert remembered.clear_of(7) == 0
