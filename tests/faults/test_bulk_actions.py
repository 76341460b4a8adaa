"""An administrator's bulk action through workers that are killed in the middle of it: each row is changed once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import psycopg
import pytest

from nitro import embedded
from tests.faults.conftest import Measured
from tests.faults.house import ROOT, START_SECONDS, House
from tests.faults.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PEOPLE = "/admin/accounts/user/"
CROWD, AT_ONCE = 10_000, 200
LEASE_SECONDS = 30
SLACK = 60  # for the rest of the work, on machines that do ten other things
# Signing somebody out adds one to a number: whoever was signed out twice, or not at all, is seen. The crowd is not
# active, which sets it apart in the administrator's list.
MAKE = """INSERT INTO nitro_user (username, password, first_name, last_name, email, is_superuser, is_staff, is_active,
    date_joined, theme, system_prompt, session_epoch)
    SELECT 'crowd-' || lpad(n::text, 6, '0'), '', '', '', '', false, false, false, now(), 'system', '', 0
    FROM generate_series(1, %s) n RETURNING id"""
SIGNED_OUT = "SELECT session_epoch, count(*) FROM nitro_user WHERE starts_with(username, 'crowd-') GROUP BY 1"
HOLD = """SELECT 1 FROM core_bulkitem
    WHERE id = (SELECT id FROM core_bulkitem WHERE job_id = %s ORDER BY id OFFSET %s LIMIT 1) FOR UPDATE"""
HELD = """SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND starts_with(query, 'DELETE FROM "core_bulkitem"')"""


Start = Callable[[], dict[int, "Worker"]]


class Worker:
    """A worker of the house, with its beat."""

    def __init__(self, house: House, name: str) -> None:
        environment = {**os.environ, **house.environment, "NITRO_ROLE": "worker", "NITRO_SLOT": name}
        with (house.home / f"{name}.log").open("ab") as log:
            argv = [sys.executable, "-m", "nitro.worker"]
            self.child = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9"""
        self.child.kill()
        self.child.wait()


class Action:
    """What an administrator has begun."""

    def __init__(self, house: House, id: object) -> None:
        self.house, self.id = house, id

    def row(self) -> tuple[str, int, int, str]:
        """State, rows done, rows changed, and whose turn it is."""
        statement = "SELECT state, done, changed, worker FROM core_bulkjob WHERE id = %s"
        state, done, changed, worker = self.house.rows(statement, self.id)[0]
        return str(state), int(done), int(changed), str(worker)

    @property
    def holder(self) -> int:
        """The process that has the lease."""
        return int(self.row()[3].split("/")[1])

    def left(self) -> int:
        return int(self.house.rows("SELECT count(*) FROM core_bulkitem WHERE job_id = %s", self.id)[0][0])


@pytest.fixture
def workers(house: House) -> Iterator[Start]:
    """Starts two workers, by their process; whoever is killed leaves the other one."""
    made: list[Worker] = []

    def start() -> dict[int, Worker]:
        made.extend(Worker(house, name) for name in ("worker-1", "worker-2"))
        return {worker.child.pid: worker for worker in made}

    yield start
    for worker in made:
        worker.kill()


@pytest.fixture
def crowd(house: House) -> Iterator[list[int]]:
    yield [int(row[0]) for row in house.rows(MAKE, CROWD)]
    house.database.execute("DELETE FROM nitro_user WHERE starts_with(username, 'crowd-')")


async def begun(house: House) -> Action:
    """Sign in as an administrator, look for the crowd, choose all of it, and say yes."""
    link = house._run("manage.py", "user", "create", f"boss-{time.monotonic_ns()}", "--admin").split()[-1]
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{house.web[0].port}", cookie_jar=jar) as browser:
        assert (await browser.get(link)).status == 200
        address = f"{PEOPLE}?is_active__exact=0"
        assert (await browser.get(address)).status == 200
        token = next(cookie.value for cookie in jar if cookie.key == "csrftoken")
        chosen: dict[str, Any] = {"action": "people_sign_out", "select_across": "1", "_selected_action": "0"}
        form = {**chosen, "confirmed": "yes", "reason": "", "csrfmiddlewaretoken": token}
        async with browser.post(address, data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return Action(house, answer.headers["Location"].split("/bulkjob/")[1].split("/")[0])


async def finished(action: Action, measured: Measured) -> None:
    """Another worker has done the rest, and every row has been changed exactly once."""
    killed = time.monotonic()
    await until(lambda: action.row()[0] == "done", LEASE_SECONDS + START_SECONDS + SLACK)
    measured("seconds from the kill to the end", round(time.monotonic() - killed, 1))
    assert action.row()[1:3] == (CROWD, CROWD)
    assert action.left() == 0
    assert action.house.rows(SIGNED_OUT) == [(1, CROWD)]
    ends = "SELECT count(*) FROM core_auditentry WHERE action = 'bulk_end' AND target = %s"
    assert action.house.rows(ends, f"core.bulkjob {action.id}") == [(1,)]


async def test_a_worker_that_is_killed_at_any_moment_leaves_the_rest_to_another(
    house: House, workers: Start, crowd: list[int], chance: random.Random, measured: Measured
) -> None:
    both = workers()
    action = await begun(house)
    enough = chance.randrange(AT_ONCE, CROWD // 2)
    await until(lambda: action.row()[1] >= enough, START_SECONDS + SLACK)
    both[action.holder].kill()
    state, done, _, _ = action.row()
    measured("rows done before the kill", done)
    assert state == "running"
    assert enough <= done < CROWD
    assert action.left() == CROWD - done  # what is done and what is left are one transaction
    await finished(action, measured)


async def test_a_worker_that_is_killed_between_a_change_and_its_note_has_done_neither(
    house: House, workers: Start, crowd: list[int], measured: Measured
) -> None:
    """One note in the middle is held, so that the worker has changed the rows of that batch and cannot say so."""
    action = await begun(house)
    with psycopg.connect(embedded.database_url(house.home)) as holding:
        holding.execute("SET idle_in_transaction_session_timeout = 0")
        holding.execute(HOLD, [action.id, AT_ONCE * 5 + AT_ONCE // 2])
        both = workers()
        await until(lambda: house.rows(HELD)[0][0] == 1, START_SECONDS + SLACK)
        state, done, _, _ = action.row()
        both[action.holder].kill()
        holding.rollback()
    assert (state, done) == ("running", AT_ONCE * 5)
    await finished(action, measured)
