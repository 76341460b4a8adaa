"""What all processes have counted and are doing, read in one trip to Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from redis import Redis, RedisError

from apps.core import metrics
from apps.core.publishing import FRESH_SECONDS, LIVE, TOTALS, WAITS
from apps.monitor import canary

BOUNDS = tuple((bound, f"{bound:g}") for bound in metrics.BUCKETS)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long something took: counts by upper bound in seconds, not cumulative; `MORE` is what took even longer."""

    counts: Mapping[str, float]
    total: float  # seconds, all together

    @property
    def count(self) -> float:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """Seconds below which this share lies, straight lines drawn between the bounds; None where nothing was counted.

        What took longer than the last bound counts as just that long.
        """
        counted = self.count
        if not counted:
            return None
        wanted, lower = share * counted, 0.0
        for bound, name in BOUNDS:
            inside = self.counts.get(name, 0.0)
            if inside and wanted <= inside:
                return lower + (bound - lower) * wanted / inside
            wanted, lower = wanted - inside, bound
        return lower


@dataclass(frozen=True, slots=True)
class Stores:
    """Redis and the queues in it: bytes and clients, messages that no worker has taken, and when one last did so."""

    memory_bytes: int = 0
    clients: int = 0
    queued: Mapping[str, int] = field(default_factory=dict)
    worker_heard_at: float | None = None


@dataclass(frozen=True)
class Reading:
    """One look at everything."""

    totals: Mapping[str, float]
    live: tuple[dict[str, Any], ...]
    redis: bool = True
    at: float = field(default_factory=time.time)
    stores: Stores = field(default_factory=Stores)

    @property
    def worker_silence(self) -> float | None:
        """Seconds since the worker's last sign of life; None where there never was one."""
        heard = self.stores.worker_heard_at
        return max(0.0, self.at - heard) if heard is not None else None

    def count(self, name: str, *values: str) -> float:
        """A counter's number; without label values that of all of them together."""
        return sum(amount for labels, amount in self.series(name) if not values or labels == values)

    def series(self, name: str) -> Iterator[tuple[tuple[str, ...], float]]:
        """A counter's numbers by the values of its labels."""
        for parts, amount in self._by_name.get(name, ()):
            yield tuple(parts), amount

    def distributions(self, name: str) -> dict[tuple[str, ...], Distribution]:
        """A histogram's distributions by the values of its labels."""
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for parts, amount in self._by_name.get(name, ()):
            found.setdefault(tuple(parts[:-1]), {})[parts[-1]] = amount
        return {labels: Distribution(counts, counts.pop(metrics.SUM, 0.0)) for labels, counts in found.items()}

    def gauge(self, name: str) -> float:
        """What is true right now, all processes added up."""
        return sum(float(process["gauges"].get(name, 0.0)) for process in self.live)

    def of_role(self, role: str) -> list[dict[str, Any]]:
        return [process for process in self.live if process["role"] == role]

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[list[str], float]]]:
        found: dict[str, list[tuple[list[str], float]]] = {}
        for name, amount in self.totals.items():
            first, *parts = name.split(metrics.SEPARATOR)
            found.setdefault(first, []).append((parts, amount))
        return found


def reading() -> Reading:
    """Look now. Without Redis nothing is known but that."""
    try:
        client = _client(settings.REDIS_URL)
        totals, live, *rest = _ask(client)
        processes = {place: json.loads(text) for place, text in live.items()}
        gone = [place for place, process in processes.items() if _is_gone(process)]
        if gone:
            client.hdel(LIVE, *gone)
    except RedisError:
        return Reading({}, (), redis=False)
    present = tuple(process for place, process in sorted(processes.items()) if place not in gone)
    return Reading({name: float(amount) for name, amount in totals.items()}, present, stores=_stores(*rest))


@cache
def _client(url: str) -> Redis:
    """Connections that stay open from one look to the next."""
    return Redis.from_url(url, decode_responses=True, **WAITS)


def _ask(client: Redis) -> list[Any]:
    """Everything in one trip."""
    pipe = client.pipeline(transaction=False)
    pipe.hgetall(TOTALS)
    pipe.hgetall(LIVE)
    pipe.info("memory")
    pipe.info("clients")
    pipe.get(canary.KEY)
    for queue in canary.QUEUES:
        pipe.llen(queue)
    return pipe.execute()


def _stores(memory: Mapping[str, Any], clients: Mapping[str, Any], heard: str | None, *lengths: int) -> Stores:
    return Stores(
        memory_bytes=int(memory.get("used_memory", 0)),
        clients=int(clients.get("connected_clients", 0)),
        queued=dict(zip(canary.QUEUES, lengths, strict=True)),
        worker_heard_at=float(heard) if heard else None,
    )


def _is_gone(process: Mapping[str, Any]) -> bool:
    return time.time() - float(process.get("at", 0)) > FRESH_SECONDS
