"""Rights that are taken away are gone within five seconds, from the open sockets and streams of a real process."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import ROOT, House
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
GONE_SECONDS = 5.0
NOT_SIGNED_IN = 4401
PULLS = "/api/models/pull/"
PERSON = "(SELECT id FROM nitro_user WHERE username = 'bench{n}')"
# How a right ends, by whom it is taken: who comes with a session, and who with a key.
SESSIONS = (
    "UPDATE nitro_user SET is_active = false WHERE id = {person}",
    "UPDATE nitro_user SET password = 'another' WHERE id = {person}",
    "UPDATE nitro_user SET session_epoch = session_epoch + 1 WHERE id = {person}",
    "DELETE FROM django_session WHERE session_key = '{session}'",
)
KEYS = (
    "UPDATE nitro_user SET is_active = false WHERE id = {person}",
    "UPDATE nitro_api_key SET revoked = now() WHERE user_id = {person}",
    "UPDATE nitro_api_key SET expires = now() WHERE user_id = {person}",
)
ENDS = (*SESSIONS, *KEYS)
STAYS = len(ENDS)  # the last one keeps their rights


def made(house: House, module: str) -> list[Any]:
    """What a script says that makes people."""
    argv = [sys.executable, "-m", f"benchmarks.{module}", str(len(ENDS) + 1)]
    around = {**house.environment, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=around, cwd=house.home, check=True, stdout=subprocess.PIPE)
    found: list[Any] = json.loads(done.stdout)
    return found


def streamed(house: House, key: str) -> tuple[int, float]:
    """A long answer over the API: how many events came, and when the stream was over."""
    line = http.client.HTTPConnection("127.0.0.1", house.web[0].port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = {"message": "Hello", "model": "openai:tokens-200", "stream": True}
    line.request("POST", "/api/chat/", json.dumps(body), headers)
    answer = line.getresponse()
    count = answer.read().count(b"data: ")
    line.close()
    return count, time.monotonic()


async def test_whoever_loses_a_right_is_out_in_five_seconds_and_nobody_else(house: House, measured: Measured) -> None:
    seats, keys = made(house, "rows"), made(house, "keys")
    async with AsyncExitStack() as stack:
        talks = []
        for n, (cookie, conversation) in enumerate(seats):
            talk = Talk(house, house.web[0], conversation)
            by_session = n < len(SESSIONS)
            talk.headers = {"Cookie": cookie} if by_session else {"Authorization": f"Bearer {keys[n]}"}
            talks.append(await stack.enter_async_context(talk))
        answer = await talks[STAYS].ask(model="openai:tokens-200")
        await talks[1].ask(model="openai:tokens-200")  # somebody who is being answered meanwhile
        streams = [
            asyncio.ensure_future(asyncio.to_thread(streamed, house, keys[n])) for n in range(len(SESSIONS), STAYS)
        ]
        await asyncio.sleep(2)
        for n, statement in enumerate(ENDS):
            session = seats[n][0].partition("=")[2]
            house.database.execute(statement.format(person=PERSON.format(n=n), session=session))
        began = time.monotonic()
        left = talks[:STAYS]
        await until(lambda: all(talk.code is not None for talk in left), GONE_SECONDS, "every socket is closed")
        measured("the last socket was closed after", f"{time.monotonic() - began:.2f} s")
        assert [talk.code for talk in left] == [NOT_SIGNED_IN] * STAYS
        over = [at - began for _, at in await asyncio.gather(*streams)]
        measured("the last stream was over after", f"{max(over):.2f} s")
        assert max(over) < GONE_SECONDS
        assert talks[STAYS].code is None
        assert (await talks[STAYS].done(answer["turn"]))["finish_reason"] == "stop"


async def test_a_role_that_is_taken_away_is_gone_from_sessions_and_keys(house: House) -> None:
    (cookie, _), key = made(house, "rows")[STAYS], made(house, "keys")[STAYS]
    house.database.execute("UPDATE nitro_user SET is_staff = true WHERE username = %s", [f"bench{STAYS}"])

    def seen() -> tuple[int, int]:
        by_key = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return status(house, "GET", "/admin/", {"Cookie": cookie}), status(house, "POST", PULLS, by_key)

    assert await asyncio.to_thread(seen) == (200, 400)  # an administrator is told what is wrong with the wish
    house.database.execute("UPDATE nitro_user SET is_staff = false WHERE username = %s", [f"bench{STAYS}"])
    assert await asyncio.to_thread(seen) == (302, 403)


def status(house: House, method: str, address: str, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection("127.0.0.1", house.web[0].port, timeout=30)
    line.request(method, address, "{}" if method == "POST" else None, headers)
    found = line.getresponse().status
    line.close()
    return found
