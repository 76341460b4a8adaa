"""R16: nothing of one person ever reaches another, through cache, shared answers, titles and every door.

Everybody has a word of their own, which the model repeats. `NITRO_CANARY_MINUTES=10` makes it fifty people and so long.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.faults.conftest import Measured
from tests.faults.echo import REPEATS, Echo
from tests.faults.house import House, WebProcess, two_webs
from tests.faults.talk import Talk

MINUTES = float(os.environ.get("NITRO_CANARY_MINUTES", "0"))
PEOPLE = 50 if MINUTES else 12
SECONDS = MINUTES * 60 or 15.0
AT_ONCE = 3  # questions of one person at the same time, so that equal ones meet
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + MINUTES * 60)]


@dataclass(frozen=True)
class Person:
    """Somebody with a key and a word that nobody else may ever hear."""

    name: str
    key: str
    word: str


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with Echo() as server:
        yield server


@pytest.fixture
def pair(house: House, echo: Echo) -> Iterator[list[WebProcess]]:
    """Two processes with a cache, before a model that repeats its system prompt."""
    room = str(2 * PEOPLE * AT_ONCE)  # else sockets whose answers are whole would make room for newcomers
    with two_webs(house, "canary", CACHE_TTL="3600", MAX_SESSIONS=room, OPENAI_BASE_URL=echo.url) as found:
        yield found


@pytest.fixture
def people(house: House) -> list[Person]:
    """Their words are their system prompts; the keys come from one run."""
    keys = json.loads(house._run("-m", "benchmarks.keys", str(PEOPLE)))
    rows = house.rows("SELECT username FROM nitro_user WHERE username LIKE 'bench%%' ORDER BY id LIMIT %s", PEOPLE)
    found = [
        Person(name, key, f"canary{number:02d}") for number, ((name,), key) in enumerate(zip(rows, keys, strict=True))
    ]
    for person in found:
        house.database.execute(
            "UPDATE nitro_user SET system_prompt = %s WHERE username = %s", (person.word, person.name)
        )
    return found


class Visitor:
    """Asks through a random door of a random process until the time is over, and checks every word that comes back."""

    def __init__(self, house: House, webs: list[WebProcess], person: Person, chance: random.Random) -> None:
        self.house, self.webs, self.person, self.chance = house, webs, person, chance
        self.asked = self.whole = self.cached = 0

    async def go_on(self, until: float) -> None:
        while time.monotonic() < until:
            door = self.chance.choice([self.over_socket, self.over_socket, self.over_api, self.over_openai])
            self.asked += 1
            await door(self.question())

    def question(self) -> str:
        """What everybody asks, so that answers could be mixed up, or the own word, which makes a title of it."""
        number = self.chance.randrange(5)
        return f"Who am I? {number}" if self.chance.random() < 0.7 else f"{self.person.word} {number}"

    def check(self, text: str, *, whole: bool) -> None:
        words = text.split()
        assert set(words) <= {self.person.word}, (self.person.word, text[:500])
        assert not whole or len(words) >= REPEATS
        self.whole += whole

    async def over_socket(self, question: str) -> None:
        talk = Talk(self.house, self.chance.choice(self.webs), self.new_chat())
        talk.headers = {"Authorization": f"Bearer {self.person.key}"}
        async with talk:
            turn = (await talk.ask(question, model="openai:echo", cache=self.chance.random() < 0.9))["turn"]
            if self.chance.random() < 0.4:
                await asyncio.sleep(self.chance.random())
                await talk.say(type="stop", turn=turn)
            done = await talk.done(turn, 120)
            self.cached += done["cached"]
            self.check(talk.text(turn), whole=done["finish_reason"] == "stop")

    async def over_api(self, question: str) -> None:
        body = {"message": question, "model": "openai:echo"}
        answer = await self.post("/api/chat/", body)
        if answer:
            self.cached += answer["cached"]
            self.check(answer["text"], whole=answer["finish_reason"] == "stop")

    async def over_openai(self, question: str) -> None:
        messages = [{"role": "system", "content": self.person.word}, {"role": "user", "content": question}]
        answer = await self.post("/v1/chat/completions", {"model": "openai:echo", "messages": messages})
        if answer:
            self.check(answer["choices"][0]["message"]["content"], whole=True)

    async def post(self, path: str, body: object) -> dict[str, Any] | None:
        """The answer; None where this one hung up before it came."""
        url = f"http://127.0.0.1:{self.chance.choice(self.webs).port}{path}"
        patience = self.chance.random() * 1.5 if self.chance.random() < 0.4 else 120
        headers = {"Authorization": f"Bearer {self.person.key}"}
        try:
            async with (
                asyncio.timeout(patience),
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, json=body) as answer,
            ):
                told = await answer.json()
                assert answer.status == 200, told
                return dict(told)
        except TimeoutError:
            return None

    def new_chat(self) -> str:
        statement = """INSERT INTO chat_conversation
            (id, owner_id, title, model, created_at, updated_at, options, system_prompt)
            SELECT gen_random_uuid(), id, '', '', now(), now(), '{}', '' FROM nitro_user WHERE username = %s
            RETURNING id"""
        return str(self.house.rows(statement, self.person.name)[0][0])


async def test_no_word_of_one_person_reaches_another(
    house: House, echo: Echo, pair: list[WebProcess], people: list[Person], chance: random.Random, measured: Measured
) -> None:
    visitors = [
        Visitor(house, pair, person, random.Random(chance.random())) for person in people for _ in range(AT_ONCE)
    ]
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(visitor.go_on(until) for visitor in visitors))
    asked, whole, cached = (sum(getattr(one, name) for one in visitors) for name in ("asked", "whole", "cached"))
    measured("asked, answered whole, of these from the cache, asked of the model", (asked, whole, cached, echo.total()))
    assert whole > cached > 0
    assert echo.total() < asked
    strangers_words(house, people)


def strangers_words(house: House, people: list[Person]) -> None:
    """No message and no title holds a word of anybody but its owner."""
    rows = house.rows(
        "SELECT u.username, c.title || ' ' || m.text FROM chat_message m "
        "JOIN chat_conversation c ON c.id = m.conversation_id JOIN nitro_user u ON u.id = c.owner_id "
        "WHERE u.username = ANY(%s)",
        [person.name for person in people],
    )
    own = {person.name: person.word for person in people}
    assert any(own[name] in text for name, text in rows)
    for name, text in rows:
        assert {word for word in own.values() if word in text} <= {own[name]}
