"""What the alarms look at: one value for each rule and subject. Nothing of what people write is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean

from django.conf import settings

from apps.llm import board, diagnosis
from apps.llm.configuration import configured
from apps.llm.farm import Condition
from apps.monitor import selectors
from apps.monitor.readings import Reading

Values = dict[tuple[str, str], float]  # by rule and subject
ENOUGH_ANSWERS = 5  # fewer say nothing about how many fail


def measured(reading: Reading) -> Values:
    """All values of now. Costs one look at Redis and two small queries. Raises Django's `DatabaseError`."""
    found: Values = {("redis", ""): 0.0 if reading.redis else 1.0}
    if not reading.redis:
        return found
    found |= {("queue", queue): seconds for queue, seconds in selectors.waits().items()}
    if reading.worker_silence is not None:
        found["worker", ""] = reading.worker_silence
    if (share := failed_percent(selectors.latest_figures())) is not None:
        found["answers", ""] = share
    return found | dict(_hosts(reading)) | dict(_servers(board.read(settings.REDIS_URL)))


def _hosts(reading: Reading) -> Iterator[tuple[tuple[str, str], float]]:
    """Every process tells of its host; what they say is averaged, since each looks at another moment."""
    for rule, fact in (("cpu", "cpu_percent"), ("memory", "memory_percent"), ("disk", "disk_percent")):
        said: dict[str, list[float]] = {}
        for process in reading.live:
            said.setdefault(str(process["host"]), []).append(float(process[fact]))
        yield from (((rule, host), fmean(values)) for host, values in said.items())


def _servers(conditions: Iterable[Condition]) -> Iterator[tuple[tuple[str, str], float]]:
    """A model server fails while no process asks it any more; one that nobody asked for may be away."""
    said: dict[str, list[bool]] = {}
    for one in conditions:
        if not diagnosis.is_unasked(one.kind, configured()):
            said.setdefault(f"{one.kind} {one.number}", []).append(one.state != "open")
    yield from ((("provider", name), 0.0 if any(well) else 1.0) for name, well in said.items())


def failed_percent(figures: Iterable[Mapping[str, float]]) -> float | None:
    """How many of the answers of the latest minutes failed; None where too few were given to say."""
    rows = list(figures)
    turns, failed = (sum(float(row.get(name, 0)) for row in rows) for name in ("turns", "failed"))
    return 100 * failed / turns if turns >= ENOUGH_ANSWERS else None
