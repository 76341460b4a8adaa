"""What the doctor says of the worker and the beat, just after a start and later."""

from __future__ import annotations

import time

from apps.monitor import diagnosis
from apps.monitor.readings import Reading


def web(seconds: float) -> Reading:
    """A page process that runs for so long, without any worker."""
    return Reading({}, ({"role": "web", "started": time.time() - seconds},))


def test_a_worker_need_not_be_there_in_the_first_moments() -> None:
    for finding in (diagnosis.worker(web(5)), diagnosis.beat(web(5))):
        assert not finding.ok
        assert not finding.needed
        assert finding.hint == "Look again in a minute."


def test_later_it_is_missed() -> None:
    finding = diagnosis.worker(web(1000))
    assert finding.needed
    assert finding.message == "No worker runs."


def test_without_a_page_nobody_needs_one() -> None:
    assert not diagnosis.worker(Reading({}, ())).needed


def test_workers_are_counted_in_words_that_fit() -> None:
    one = {"role": "worker", "started": time.time()}
    assert diagnosis.worker(Reading({}, (one,))).message == "1 worker runs."
    assert diagnosis.worker(Reading({}, (one, one))).message == "2 workers run."
