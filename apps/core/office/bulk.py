"""Bulk actions: what is to be done to many rows, kept as rows, done in small batches by whichever worker is alive."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.core import draining, wakeups
from apps.core.errors import Invalid, NitroError
from apps.core.models import AuditEntry, BulkItem, BulkJob
from apps.core.office import auditing

logger = logging.getLogger(__name__)
AT_ONCE = 200
UNFINISHED = -1  # what `apply` returns where the same keys need another step
LEASE = timedelta(seconds=30)
KEPT = timedelta(days=30)
WORK, QUEUE = "apps.core.tasks.work_bulk", "celery"
State = BulkJob.State
TAKE = "INSERT INTO core_bulkitem (job_id, key) SELECT %s, chosen.key::text FROM ({}) AS chosen(key)"
NOTHING_CHOSEN = "Nothing was chosen, so there is nothing to do."


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be done to many rows.

    `apply` takes the job and some keys as text, does it, and says how many rows it changed, or `UNFINISHED`. It runs in
    a transaction, and twice where a worker was killed: what it does outside of the database must bear that.
    """

    name: str
    label: str
    apply: Callable[[BulkJob, Sequence[str]], int]
    at_once: int = AT_ONCE


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known; an app does so when it is ready."""
    _kinds.update({kind.name: kind for kind in kinds})


# --- the beginning and the end ----------------------------------------------------------------------------------------


def start(
    request: HttpRequest,
    kind_name: str,
    rows: QuerySet[Any],
    *,
    label: str = "",
    reason: str = "",
    options: dict[str, Any] | None = None,
) -> BulkJob:
    """Take down which rows are meant, note it in the audit log, and wake a worker. Raises `Invalid` for none.

    The rows are copied by one statement, so that a million of them costs the web process nothing.
    """
    kind = _kinds[kind_name]
    with transaction.atomic():
        job = BulkJob.objects.create(
            kind=kind.name,
            label=label or kind.label,
            options=options or {},
            actor_id=request.user.pk,
            actor=request.user.get_username(),
        )
        job.total = take_down(job, rows)
        if not job.total:
            raise Invalid(NOTHING_CHOSEN, code="nothing_chosen")
        job.save(update_fields=["total"])
        auditing.note(
            request,
            AuditEntry.Action.BULK,
            auditing.target_of(job),
            reason=reason,
            what=job.label,
            rows=job.total,
            options=job.options,
        )
        wakeups.wake(WORK, queue=QUEUE)
    return job


def take_down(job: BulkJob, rows: QuerySet[Any]) -> int:
    """Copy the keys of the rows beside the job; returns how many."""
    text, values = rows.order_by().values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(TAKE.format(text), [job.pk, *values])
        return int(cursor.rowcount)


def cancel(request: HttpRequest, job: BulkJob) -> None:
    """End it: at once where it waits, else after the batch that is being done. What was done stays done."""
    auditing.note(request, AuditEntry.Action.BULK_CANCEL, auditing.target_of(job), what=job.label)
    BulkJob.objects.filter(pk=job.pk, state__in=BulkJob.OPEN).update(cancel_requested=True)
    with transaction.atomic():
        if BulkJob.objects.filter(pk=job.pk, state=State.QUEUED).update(**over(State.CANCELLED)):
            BulkItem.objects.filter(job=job).delete()


def over(state: str, problem: str = "") -> dict[str, Any]:
    return {"state": state, "problem": problem, "worker": "", "lease_until": None, "finished_at": timezone.now()}


# --- for the worker ---------------------------------------------------------------------------------------------------


def me() -> str:
    return f"{socket.gethostname()[:60]}/{os.getpid()}/{os.urandom(4).hex()}"


def work() -> int:
    """Do what waits, one job after the other, until nothing does or the process is about to stop."""
    worker, ended = me(), 0
    while not draining.is_draining() and (job := claim(worker)) is not None:
        ended += run(job)
    return ended


def claim(worker: str) -> BulkJob | None:
    """The oldest job that waits or whose worker is gone, now with a lease of ours."""
    now = timezone.now()
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)
    with transaction.atomic():
        job = BulkJob.objects.filter(free).order_by("created_at").select_for_update(skip_locked=True).first()
        if job is not None:
            job.state, job.worker, job.lease_until = State.RUNNING, worker, now + LEASE
            job.save(update_fields=["state", "worker", "lease_until"])
    return job


def run(job: BulkJob) -> bool:
    """Go on with it to its end; False where it is somebody else's by now, or is left for the next worker."""
    try:
        while (outcome := batch(job)) == "more":
            if draining.is_draining():
                held(job).update(state=State.QUEUED, worker="", lease_until=None)
                return False
    except NitroError as error:
        outcome = "failed" if end(job, State.FAILED, error.message) else "lost"
    except OperationalError:
        raise  # the database is away: the lease ends, and somebody goes on
    except Exception as error:  # else it would be begun again and again, and nobody would hear why
        logger.exception("A bulk action failed")
        problem = f"{type(error).__name__}. The worker's log says more."
        outcome = "failed" if end(job, State.FAILED, problem) else "lost"
    return outcome != "lost"


def held(job: BulkJob) -> QuerySet[BulkJob]:
    """The job's row, as long as the lease is this worker's."""
    return BulkJob.objects.filter(pk=job.pk, state=State.RUNNING, worker=job.worker)


@transaction.atomic
def batch(job: BulkJob) -> str:
    """Do some of it: what was done, and that it was, are one transaction. "more", "done", "cancelled" or "lost"."""
    row = held(job).select_for_update().first()
    if row is None:
        return "lost"
    if row.cancel_requested:
        end(job, State.CANCELLED)
        return "cancelled"
    kind = _kinds[row.kind]
    items = list(BulkItem.objects.filter(job=job).order_by("id")[: kind.at_once])
    if not items:
        end(job, State.DONE)
        return "done"
    changed = kind.apply(row, [item.key for item in items])
    over_with = items if changed != UNFINISHED else []
    BulkItem.objects.filter(pk__in=[item.pk for item in over_with]).delete()
    held(job).update(
        done=F("done") + len(over_with),
        changed=F("changed") + max(changed, 0),
        parts=row.parts,
        lease_until=timezone.now() + LEASE,
    )
    return "more"


def end(job: BulkJob, state: str, problem: str = "") -> bool:
    """Its end, and what is left of it, once."""
    with transaction.atomic():
        if not held(job).update(**over(state, problem)):
            return False
        BulkItem.objects.filter(job=job).delete()
        row = BulkJob.objects.get(pk=job.pk)
        AuditEntry.objects.create(
            actor_id=row.actor_id,
            actor=row.actor,
            action=AuditEntry.Action.BULK_END,
            target=auditing.target_of(row),
            details={"what": row.label, "state": state, "rows": row.done, "changed": row.changed},
        )
    return True


def forget(now: datetime) -> list[BulkJob]:
    """Put away what ended long ago; returns what it was."""
    old = list(BulkJob.objects.filter(created_at__lt=now - KEPT).exclude(state__in=BulkJob.OPEN)[:500])
    BulkJob.objects.filter(pk__in=[job.pk for job in old]).delete()
    return old
