"""What the metrics ask the database, all of it cheap however many rows there are."""

from __future__ import annotations

from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connection

from apps.chat.models import Message
from apps.monitor.models import Sample

EXACT_UP_TO = 10_000
SOME = "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT %s) AS beginning"
ABOUT = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = %s::regclass"


def messages_total() -> int | None:
    """How many messages there are: exact for a household, PostgreSQL's running count beyond; None while it is away."""
    table = Message._meta.db_table
    try:
        with connection.cursor() as cursor:
            cursor.execute(SOME.format(connection.ops.quote_name(table)), [EXACT_UP_TO])
            (exact,) = cursor.fetchone()
            if exact < EXACT_UP_TO:
                return int(exact)
            cursor.execute(ABOUT, [table])
            (about,) = cursor.fetchone()
            return max(int(about), EXACT_UP_TO)
    except DatabaseError:
        return None


def samples_since(*, since: datetime) -> list[Sample]:
    """The figures of every minute since then, oldest first."""
    return list(Sample.objects.filter(minute__gte=since).order_by("minute"))
