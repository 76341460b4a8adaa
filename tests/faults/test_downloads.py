"""The download of a model outlives the process that carries it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from nitro.process import wait_until
from tests.faults.house import House
from tests.llm.ollama_thread import OllamaThread, ollama_thread

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 60.0
ASK = """INSERT INTO nitro_model_pull (id, name, state, status, completed, total, error_code, error_message, error_hint,
        cancel_requested, holder, created_at, updated_at)
    VALUES (gen_random_uuid(), %s, 'queued', '', 0, 0, '', '', '', false, '', now(), now()) RETURNING id"""


@pytest.fixture
def ollama(house: House) -> Iterator[OllamaThread]:
    with ollama_thread(house.ollama_port) as made:
        made.do(made.server.loading.clear)
        yield made


def carried(house: House, pull: str) -> int:
    """The pid of the process that carries a download, 0 where none does."""
    holder = str(house.rows("SELECT holder FROM nitro_model_pull WHERE id = %s", pull)[0][0])
    return int(holder.split("/")[1]) if holder else 0


def state(house: House, pull: str) -> str:
    return str(house.rows("SELECT state FROM nitro_model_pull WHERE id = %s", pull)[0][0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_another_process_goes_on_with_it(house: House, ollama: OllamaThread, number: signal.Signals) -> None:
    pull = str(house.rows(ASK, f"model-{int(number)}")[0][0])
    assert wait_until(lambda: ollama.server.open_streams == 1, SECONDS)
    assert wait_until(lambda: carried(house, pull) > 0, SECONDS)
    first = carried(house, pull)
    os.kill(first, number)
    assert wait_until(lambda: carried(house, pull) not in {0, first}, SECONDS)
    assert wait_until(lambda: ollama.server.open_streams == 1, SECONDS)
    ollama.do(ollama.server.loading.set)
    assert wait_until(lambda: state(house, pull) == "done", SECONDS)
    assert len(ollama.server.asked("/api/pull")) >= 2


def test_a_database_that_is_away_for_a_while_ends_no_download(house: House, ollama: OllamaThread) -> None:
    pull = str(house.rows(ASK, "steady")[0][0])
    assert wait_until(lambda: ollama.server.open_streams == 1, SECONDS)
    house.crash_database()
    house.start_store(house.postgres)
    ollama.do(ollama.server.loading.set)
    assert wait_until(lambda: state(house, pull) == "done", SECONDS)
