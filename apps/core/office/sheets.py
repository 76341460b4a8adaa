"""Lists as CSV: cells that no spreadsheet takes for a formula, written piece by piece, told piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.core import stored
from apps.core.database import in_database
from apps.core.models import BulkJob

KEPT = timedelta(days=1)
# What makes a cell a formula (OWASP, "CSV Injection"), also in the wide letters of East Asian keyboards.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What of a kind of rows goes into a file: the columns' names, and the rows of some keys in their order."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Sequence[str]], Iterable[Sequence[Any]]]


_sheets: dict[str, Sheet] = {}


def register(*sheets: Sheet) -> None:
    """Make sheets known; an app does so when it is ready."""
    _sheets.update({sheet.name: sheet for sheet in sheets})


def cell(value: Any) -> str:
    """A value as a cell. Text that a spreadsheet could run gets an apostrophe, which it shows as text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool | int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(DANGEROUS) else text


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV (RFC 4180)."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def part_name(job: BulkJob, number: int) -> str:
    return f"exports/{job.pk}/{number:06d}.csv"


def write(job: BulkJob, keys: Sequence[str]) -> int:
    """Write some rows as the next piece of the job's file. Written again by the next worker, it is the same piece."""
    sheet = _sheets[str(job.options["sheet"])]
    found = list(sheet.rows(keys))
    head = [sheet.columns] if job.parts == 0 else []
    stored.save(part_name(job, job.parts), lines([*head, *found]))
    job.parts += 1
    return len(found)


async def pieces(job: BulkJob) -> AsyncIterator[bytes]:
    """The file of a job that is done, a piece at a time."""
    for number in range(job.parts):
        yield await in_database(_read, part_name(job, number))


def _read(name: str) -> bytes:
    with stored.open_file(name) as file:
        return file.read()


def is_there(job: BulkJob) -> bool:
    """Whether the file can still be fetched."""
    recent = job.finished_at is not None and job.finished_at > timezone.now() - KEPT
    return bool(job.state == BulkJob.State.DONE and job.parts and recent)


def remove(job: BulkJob) -> None:
    """Take the pieces away, also those of a worker that was killed in the middle of one."""
    with suppress(stored.StorageAway):
        stored.delete(part_name(job, number) for number in range(job.parts + 1))


def expire(now: datetime) -> int:
    """Remove the files that were made a day ago; returns how many jobs had one."""
    old = list(BulkJob.objects.filter(parts__gt=0, finished_at__lt=now - KEPT)[:200])
    for job in old:
        remove(job)
    BulkJob.objects.filter(pk__in=[job.pk for job in old]).update(parts=0)
    return len(old)
