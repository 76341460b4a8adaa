"""What `/metrics` says of a reading, for programs and for people. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.monitor import series
from apps.monitor.readings import Distribution, Reading


def facts(reading: Reading, *, messages: int | None) -> dict[str, float | None]:
    """The installation in a handful of numbers. None: nobody can say right now."""
    web = reading.of_role("web")
    started = min((float(process["started"]) for process in web), default=reading.at)
    hosts = {process["host"]: process for process in reading.live}.values()
    return {
        "cpu_percent": _mean([float(host["cpu_percent"]) for host in hosts]),
        "memory_percent": _mean([float(host["memory_percent"]) for host in hosts]),
        "disk_percent": max((float(host["disk_percent"]) for host in hosts), default=None),
        "active_sessions": reading.gauge("nitro_open_sockets"),
        "total_messages": messages,
        "uptime_seconds": round(reading.at - started, 1),
        "workers": len(reading.of_role("worker")),
        "web_processes": len(web),
        "worker_silence_seconds": _rounded(reading.worker_silence),
        "redis_memory_bytes": reading.stores.memory_bytes if reading.redis else None,
        "redis_clients": reading.stores.clients if reading.redis else None,
    }


def as_json(reading: Reading, *, messages: int | None, jobs: Mapping[str, int]) -> dict[str, Any]:
    """Everything in one object: the facts, then what was counted."""
    return {
        **facts(reading, messages=messages),
        "redis": reading.redis,
        "responses": _slowest_first(reading, "nitro_http_seconds"),
        "answers": {
            "by_end": _by_label(reading, "nitro_turns_total", 1),
            "first_token_seconds": _timing(series.together(reading, "nitro_turn_first_token_seconds")),
            "total_seconds": _timing(series.together(reading, "nitro_turn_seconds")),
            "queued_seconds": _timing(series.together(reading, "nitro_turn_queued_seconds")),
            "tokens": _by_label(reading, "nitro_tokens_total", 0),
            "tokens_per_second": series.tokens_per_second(reading),
        },
        "cache": _by_label(reading, "nitro_reply_cache_total", 0),
        "queues": dict(reading.stores.queued),
        "jobs": dict(jobs),
        "database_connections": {
            "open": reading.gauge("nitro_database_connections"),
            "waiting": reading.gauge("nitro_database_waiting"),
        },
        "processes": [_process(process) for process in reading.live],
    }


def _process(process: dict[str, Any]) -> dict[str, Any]:
    names = ("host", "slot", "role", "pid", "memory_bytes", "process_cpu_percent")
    return {name: process[name] for name in names}


def _timing(found: Distribution) -> dict[str, float | None]:
    return {"count": found.count, "p50": found.quantile(0.5), "p95": found.quantile(0.95), "sum": found.total}


def _slowest_first(reading: Reading, name: str) -> dict[str, dict[str, float | None]]:
    """A histogram's timings by its first label."""
    found = [(labels[0], _timing(one)) for labels, one in reading.distributions(name).items()]
    return dict(sorted(found, key=lambda item: item[1]["p95"] or 0.0, reverse=True))


def _by_label(reading: Reading, name: str, place: int) -> dict[str, float]:
    """A counter's numbers by one of its labels, the others added up."""
    found: dict[str, float] = {}
    for labels, amount in reading.series(name):
        found[labels[place]] = found.get(labels[place], 0.0) + amount
    return found


def _rounded(value: float | None) -> float | None:
    return round(value, 1) if value is not None else None


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None
