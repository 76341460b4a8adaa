"""A web process that is asked to stop: nothing new begins, what runs gets its time, and everybody is told."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.conftest import Measured
from tests.faults.house import House, WebProcess, count_of
from tests.faults.talk import Talk, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RESTARTING = 1012
DRAIN_SECONDS = 20.0
SLACK = 6.0
COST_SECONDS = 3.0


def ask_to_stop(web: WebProcess) -> float:
    assert web.child is not None
    web.child.send_signal(signal.SIGTERM)
    return time.monotonic()


@contextmanager
def line_to(web: WebProcess) -> Iterator[http.client.HTTPConnection]:
    """A connection that is open before the process stops listening."""
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    assert status_of(line) == 200
    yield line
    line.close()


async def stop(web: WebProcess) -> None:
    """Ask it to stop, and return once it tells its balancer so."""
    with line_to(web) as line:
        ask_to_stop(web)
        await until(lambda: status_of(line) == 503, SLACK)


async def gone(web: WebProcess, seconds: float) -> int:
    """The exit status, once it has ended."""
    assert web.child is not None
    child = web.child
    await until(lambda: child.poll() is not None, seconds)
    return int(child.returncode)


async def test_an_answer_that_is_nearly_done_is_finished_first(house: House, measured: Measured) -> None:
    web = house.web[0]
    async with Talk(house, web, house.new_conversation()) as talk:
        accepted = await talk.ask(model="openai:tokens-80")
        await until(lambda: talk.last_seq(accepted["turn"]) > 2)
        await stop(web)
        refused = await talk.request(type="ask", text="One more")
        assert (refused["code"], refused["retry_after"]) == ("restarting", 1)
        assert (await talk.done(accepted["turn"]))["finish_reason"] == "stop"
        ended = time.monotonic()
        assert count_of(talk.text(accepted["turn"])) == 80
        await until(lambda: talk.code is not None, SLACK)
        assert await gone(web, SLACK) == 0
        measured("ended after its last word", f"{time.monotonic() - ended:.2f} s")
    assert talk.code == RESTARTING


async def test_an_answer_that_takes_too_long_is_saved_as_interrupted(house: House, measured: Measured) -> None:
    web, chat = house.web[1], house.new_conversation()
    async with Talk(house, web, chat) as talk, Talk(house, house.web[0], chat) as other:
        accepted = await talk.ask(model="openai:tokens-4000")
        await other.say(type="attach", turn=accepted["turn"], after=0)
        began = ask_to_stop(web)
        assert (await talk.done(accepted["turn"], DRAIN_SECONDS + SLACK))["finish_reason"] == "interrupted"
        measured("interrupted after", f"{time.monotonic() - began:.2f} s")
        assert (await other.done(accepted["turn"]))["finish_reason"] == "interrupted"
        await until(lambda: talk.code is not None, SLACK)
        assert await gone(web, SLACK) == 0
        measured("gone after", f"{time.monotonic() - began:.2f} s")
    assert talk.code == RESTARTING
    assert count_of(talk.text(accepted["turn"])) > 300
    assert house.text_of(accepted["answer"]) == talk.text(accepted["turn"]) == other.text(accepted["turn"])


async def test_a_restart_costs_seconds_and_no_word(house: House, measured: Measured) -> None:
    web, chat = house.web[0], house.new_conversation()
    async with Talk(house, web, chat) as talk:
        accepted = await talk.ask(model="openai:tokens-10")
        await talk.done(accepted["turn"])
        began = ask_to_stop(web)
        await until(lambda: talk.code is not None, SLACK)
        assert await gone(web, SLACK) == 0
        web.start()
    async with Talk(house, web, chat) as talk:
        await talk.say(type="attach", turn=accepted["turn"], after=0)
        await talk.done(accepted["turn"])
        measured("back after", f"{time.monotonic() - began:.2f} s")
        assert count_of(talk.text(accepted["turn"])) == 10


async def test_who_asks_while_others_are_answered_goes_on_elsewhere_at_once(house: House, measured: Measured) -> None:
    web, chat = house.web[0], house.new_conversation()
    async with Talk(house, web, house.new_conversation()) as long, Talk(house, web, chat) as idle:
        accepted = await long.ask(model="openai:tokens-80")
        await stop(web)
        asked, began = str(uuid.uuid4()), time.monotonic()
        assert (await idle.request(type="ask", text="Hello", id=asked))["code"] == "restarting"
        await until(lambda: idle.code is not None, COST_SECONDS)
        assert idle.code == RESTARTING
        async with Talk(house, house.web[1], chat) as again:
            answered = await again.request(COST_SECONDS, type="ask", text="Hello", id=asked, model="openai:tokens-5")
            assert answered["type"] == "accepted"
            measured("taken elsewhere after", f"{time.monotonic() - began:.2f} s")
            assert count_of(again.text(answered["turn"]) if await again.done(answered["turn"]) else "") == 5
        assert (await long.done(accepted["turn"]))["finish_reason"] == "stop"
        await until(lambda: long.code is not None, SLACK)
        assert (long.code, long.reason) == (RESTARTING, "Restarting. Connect again in a second.")
    assert await gone(web, SLACK) == 0


async def test_programs_are_refused_with_a_hint_and_their_running_answers_finished(house: House) -> None:
    web = house.web[0]
    headers = {"Authorization": f"Bearer {house.key}", "Content-Type": "application/json"}
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": "openai:tokens-60"}
    with line_to(web) as early, line_to(web) as late:
        before = house.model_stats()["started"]
        running = asyncio.ensure_future(asyncio.to_thread(posted, early, body, headers))
        await until(lambda: house.model_stats()["started"] > before)
        await stop(web)
        status, said, retry_after = await asyncio.to_thread(posted, late, body, headers)
        assert (status, said["error"]["code"], retry_after) == (503, "restarting", "1")
        status, said, _ = await running
    assert status == 200
    assert count_of(said["choices"][0]["message"]["content"]) == 60
    assert await gone(web, SLACK) == 0


async def test_a_process_that_stops_tells_its_balancer(house: House) -> None:
    web = house.web[0]
    async with Talk(house, web, house.new_conversation()) as talk:
        accepted = await talk.ask(model="openai:tokens-60")
        await stop(web)
        await talk.done(accepted["turn"])
    assert await gone(web, SLACK) == 0


def posted(line: http.client.HTTPConnection, body: object, headers: dict[str, str]) -> tuple[int, Any, str | None]:
    """Status, answer and Retry-After of a question over an open connection."""
    line.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = line.getresponse()
    return answer.status, json.loads(answer.read()), answer.headers["Retry-After"]


def status_of(line: http.client.HTTPConnection) -> int:
    """What /readyz says on a connection that is open already."""
    line.request("GET", "/readyz")
    answer = line.getresponse()
    answer.read()
    return answer.status
