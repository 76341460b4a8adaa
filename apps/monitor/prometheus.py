"""Metrics in Prometheus' text format, version 0.0.4. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.core import metrics
from apps.core.metrics import Counter, Gauge, Histogram, Metric
from apps.monitor.readings import BOUNDS, Distribution, Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(reading: Reading, facts: Mapping[str, float | None], jobs: Mapping[str, int]) -> str:
    """Everything counted, everything that is true right now, and facts of the whole installation as plain gauges."""
    lines: list[str] = []
    for metric in metrics.known().values():
        lines += _metric(metric, reading)
    for name, value in facts.items():
        if value is not None:
            lines += [f"# TYPE nitro_{name} gauge", f"nitro_{name} {float(value)!r}"]
    lines += _by("queue_messages", "queue", reading.stores.queued)
    lines += _by("jobs", "state", jobs)
    lines += _processes(reading)
    return "\n".join(lines) + "\n"


def _metric(metric: Metric, reading: Reading) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}"
    match metric:
        case Histogram():
            yield f"# TYPE {metric.name} histogram"
            for values, distribution in sorted(reading.distributions(metric.name).items()):
                yield from _histogram(metric, values, distribution)
        case Gauge():
            yield f"# TYPE {metric.name} gauge"
            yield f"{metric.name} {reading.gauge(metric.name):g}"
        case Counter():
            yield f"# TYPE {metric.name} counter"
            for values, amount in sorted(reading.series(metric.name)):
                yield f"{metric.name}{_labels(metric.labels, values)} {amount!r}"


def _histogram(metric: Metric, values: Sequence[str], distribution: Distribution) -> Iterator[str]:
    labels, below = _labels(metric.labels, values), 0.0
    head = f'{metric.name}_bucket{{{labels[1:-1]}{"," * bool(labels)}le="'  # nearly all lines begin so
    for _, name in BOUNDS:
        below += distribution.counts.get(name, 0.0)
        yield f'{head}{name}"}} {below!r}'
    yield f'{head}+Inf"}} {distribution.count!r}'
    yield f"{metric.name}_sum{labels} {distribution.total!r}"
    yield f"{metric.name}_count{labels} {distribution.count!r}"


def _by(name: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    """A gauge with one label."""
    if values:
        yield f"# TYPE nitro_{name} gauge"
    for value, amount in values.items():
        yield f"nitro_{name}{_labels((label,), (value,))} {float(amount)!r}"


def _processes(reading: Reading) -> Iterator[str]:
    for name, fact in (("memory_bytes", "memory_bytes"), ("cpu_percent", "process_cpu_percent")):
        yield f"# TYPE nitro_process_{name} gauge"
        for process in reading.live:
            labels = _labels(("host", "process"), (str(process["host"]), str(process["slot"])))
            yield f"nitro_process_{name}{labels} {float(process[fact])!r}"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in pairs) + "}"
