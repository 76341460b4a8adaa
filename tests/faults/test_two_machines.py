"""Two machines, played by two data folders: one database, one Redis, one secret, and a web process on each."""

from __future__ import annotations

import asyncio
import json
import tempfile
import urllib.request
from collections.abc import Iterator

import pytest

from nitro.process import wait_until
from tests.faults.house import House, WebProcess, count_of
from tests.faults.talk import Talk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def far(house: House) -> Iterator[WebProcess]:
    """A web process whose machine shares nothing with the house but its stores and its secret."""
    secret = (house.home / "secret_key").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="nitro-far-") as folder:
        made = WebProcess(house, "far", NITRO_HOME=folder, SECRET_KEY=secret, STATIC_FOLDER=str(house.home / "static"))
        made.start()
        made.wait()
        yield made
        made.close()


async def test_a_turn_that_was_begun_on_one_machine_is_read_on_the_other(house: House, far: WebProcess) -> None:
    chat = house.new_conversation()
    async with Talk(house, house.web[0], chat) as here:
        accepted = await here.ask()
        await asyncio.sleep(0.3)
    async with Talk(house, far, chat) as there:
        await there.say(type="attach", turn=accepted["turn"], after=0)
        await there.done(accepted["turn"])
        assert count_of(there.text(accepted["turn"])) == 40
    assert count_of(house.text_of(accepted["answer"])) == 40


async def test_a_turn_is_stopped_from_the_other_machine(house: House, far: WebProcess) -> None:
    chat = house.new_conversation()
    async with Talk(house, far, chat) as there, Talk(house, house.web[0], chat) as here:
        accepted = await there.ask(model="openai:tokens-2000")
        await here.say(type="stop", turn=accepted["turn"])
        assert (await there.done(accepted["turn"]))["finish_reason"] == "stopped"


def test_whoever_is_signed_in_on_one_is_signed_in_on_the_other(house: House, far: WebProcess) -> None:
    script = (
        "from django.test import Client; from apps.accounts.models import User; c = Client();"
        "c.force_login(User.objects.get(username='owner')); print(c.session.session_key)"
    )
    session = house._run("manage.py", "shell", "--no-imports", "-c", script).split()[-1]
    request = urllib.request.Request(
        f"http://127.0.0.1:{far.port}/settings/", headers={"Cookie": f"sessionid={session}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (our own address)
        assert answer.url.endswith("/settings/")


def metrics(web: WebProcess) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{web.port}/metrics", timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def test_both_machines_tell_of_all_processes(house: House, far: WebProcess) -> None:
    assert wait_until(lambda: metrics(far)["web_processes"] == 3, 30)
    assert metrics(house.web[0])["web_processes"] == 3
