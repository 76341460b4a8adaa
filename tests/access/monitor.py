"""Who may do what at the addresses of the monitor. Everybody here comes from this machine, which may measure."""

from __future__ import annotations

from tests.access.table import Row, personal

ROWS: tuple[Row, ...] = (
    Row("monitor:metrics", "get", (200, 200, 200, 200, 200, 403), scope="admin"),
    personal("monitor:performance", 200),
    personal("monitor:bench", 404),  # for administrators, and there was no run: tests/monitor/test_bench_page.py
)
