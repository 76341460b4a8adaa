"""What administrators do to many keys or people at once; one batch each, in the worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import CASCADE, F, QuerySet
from django.utils import timezone

from apps.accounts.models import ApiKey, User
from apps.core.models import BulkJob
from apps.core.office.bulk import UNFINISHED, Kind

ROWS = 100  # of somebody's things that one step removes, with all that hangs on them


def revoke(job: BulkJob, keys: Sequence[str]) -> int:
    """From here on these keys open nothing; open sockets notice within seconds."""
    return ApiKey.objects.filter(pk__in=keys, revoked=None).update(revoked=timezone.now())


def sign_out(job: BulkJob, keys: Sequence[str]) -> int:
    """End all sessions of these people."""
    return User.objects.filter(pk__in=keys).update(session_epoch=F("session_epoch") + 1)


def delete(job: BulkJob, keys: Sequence[str]) -> int:
    """Remove somebody with all they have: first they are shut out, then their rows go, some at a time.

    Whoever asked for it stays, whatever was chosen.
    """
    person = User.objects.filter(pk__in=keys).exclude(pk=job.actor_id or 0).first()
    if person is None:
        return 0
    if person.is_active:
        User.objects.filter(pk=person.pk).update(is_active=False)
        return UNFINISHED
    for rows in belongings(person):
        some = list(rows.values_list("pk", flat=True)[:ROWS])
        if some:
            rows.filter(pk__in=some).delete()
            return UNFINISHED
    person.delete()
    return 1


def belongings(person: User) -> Iterator[QuerySet[Any]]:
    """Everything that would go with the account, table by table."""
    for relation in User._meta.related_objects:
        if relation.on_delete is CASCADE and relation.related_model is not None:
            yield relation.related_model._base_manager.filter(**{relation.field.name: person}).order_by("pk")


REVOKE = Kind("keys_revoke", "Revoke keys", revoke)
SIGN_OUT = Kind("people_sign_out", "Sign people out everywhere", sign_out)
DELETE = Kind("people_delete", "Delete people with all they have", delete, at_once=1)
