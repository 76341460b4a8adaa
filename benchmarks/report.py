"""The table of a run: the median of each figure with its least and greatest value, and the target if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

TARGETS: Mapping[tuple[str, str], str] = {
    ("one", "later_p50_ms"): "≤ 10",
    ("starts", "cpu_ms"): "≤ 20",
    ("crowd-100", "first_p95_ms"): "< 300",
    ("crowd-200", "first_p95_ms"): "< 1000",
    ("crowd-500", "complete"): "500",
    ("crowd-100", "cpu_server_per_1000"): "≤ 0.35",
    ("crowd-200", "cpu_server_per_1000"): "≤ 0.35",
    ("crowd-500", "cpu_server_per_1000"): "≤ 0.35",
    ("steady", "first_p95_ms"): "< 100",
    ("speed", "tokens_per_second"): "≥ 20000",
    ("api-one", "later_p50_ms"): "≤ 10",
    ("api-crowd-100", "first_p95_ms"): "< 300",
    ("api-crowd-200", "first_p95_ms"): "< 700",
    ("api-crowd-500", "complete"): "500",
    ("api-crowd-100", "cpu_server_per_1000"): "≤ 0.20",
    ("api-crowd-200", "cpu_server_per_1000"): "≤ 0.20",
    ("api-crowd-500", "cpu_server_per_1000"): "≤ 0.20",
    ("api-speed", "tokens_per_second"): "≥ 25000",
    ("bytes-100", "times_compressed"): "≤ 4",
    ("bytes-20", "times_compressed"): "≤ 4",
    ("history", "server_ms"): "≤ 300",
    ("first-visit", "compressed_kb"): "< 100",
    ("startup", "page_s"): "≤ 4",
    ("startup", "first_token_s"): "≤ 8",
    ("startup", "memory_mb"): "< 450",
}


def table(results: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """All figures as a Markdown table."""
    lines = ["| measurement | figure | target | median | least – greatest |", "|---|---|---|---|---|"]
    for name, runs in results.items():
        for figure in dict.fromkeys(key for run in runs for key in run):
            values = [run[figure] for run in runs if figure in run]
            target = TARGETS.get((name, figure), "")
            spread = f"{number(min(values))} – {number(max(values))}" if len(values) > 1 else "once"
            lines.append(f"| {name} | {figure} | {target} | {number(median(values))} | {spread} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"
