"""Deleting a row asks every table that points at it: without an index each question reads that whole table."""

from __future__ import annotations

import pytest
from django.db import connection

FEW = {"nitro_model_pull.asked_by_id"}  # tables that never hold more than a handful of rows
# Foreign keys of our tables that no index begins with.
UNINDEXED = """
SELECT conrelid::regclass || '.' || attname FROM pg_constraint
JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'f' AND conrelid::regclass::text !~ '^(django|auth)_' AND NOT EXISTS (
    SELECT 1 FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1] AND indpred IS NULL)
ORDER BY 1
"""


@pytest.mark.django_db
def test_every_foreign_key_has_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(UNINDEXED)
        assert {name for (name,) in cursor.fetchall()} == FEW
