"""What everybody may know of this installation."""

from __future__ import annotations

from tests.access.table import Row, everybody

ROWS: tuple[Row, ...] = (
    # health
    everybody("healthz", 200),
    everybody("readyz", 200),
    everybody("probe", 404),  # without a token that only this installation can make
    # the API's description
    everybody("api-schema", 200),
    everybody("api-docs", 200),
)
