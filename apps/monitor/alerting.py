"""Looks for alarms twice a minute, one process at a time, and tells of each change once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from apps.monitor import alarms, measures, notices, readings, selectors
from apps.monitor.alarms import Rule, Standing
from apps.monitor.models import Alert, Watch

EVERY = timedelta(seconds=25)
KEPT = timedelta(days=30)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One alarm that was raised, or is over."""

    rule: Rule
    subject: str
    raised: bool
    value: float | None

    def sentence(self) -> str:
        """What is told of it."""
        if not self.raised:
            return f"Over: {name(self.rule.name, self.subject)}."
        return self.rule.text.format(subject=self.subject, value=self.value or 0.0)


def name(rule: str, subject: str) -> str:
    """An alarm's name for people: `disk of server-1`."""
    return f"{rule} of {subject}" if subject else rule


@dataclass(frozen=True, slots=True)
class Raised:
    """A raised alarm for people: what it says, how to repair it, since when."""

    name: str
    sentence: str
    hint: str
    since: datetime


def raised() -> list[Raised]:
    """What is wrong now, the newest first."""
    return [_told(row, alarms.BY_NAME[row.rule]) for row in selectors.alerts_raised()]


def _told(row: Alert, rule: Rule) -> Raised:
    said = Change(rule, row.subject, True, row.value).sentence()
    return Raised(
        name(row.rule, row.subject), said, rule.hint.format(subject=row.subject).replace("`", ""), row.changed_at
    )


def rules() -> dict[str, Rule]:
    """The rules with the limits of ALERT_LIMITS."""
    limits = settings.ALERT_LIMITS
    return {rule.name: rule.limited(limits[rule.name]) if rule.name in limits else rule for rule in alarms.RULES}


def look(now: datetime) -> list[Change]:
    """Look, where nobody has in the last half minute; returns what has changed. Raises Django's `DatabaseError`."""
    if not _my_turn(now):
        return []
    values = measures.measured(readings.reading())
    # While Redis is away nothing is known of anything else: those alarms stay as they are.
    blind = values[("redis", "")] > 0
    with transaction.atomic():
        changes = _judge(values, now, only="redis" if blind else "")
        notices.write([change.sentence() for change in changes if change.raised], _overs(changes), _hints(changes))
    Alert.objects.filter(raised=False, against_since=None, changed_at__lt=now - KEPT).delete()
    return changes


def _my_turn(now: datetime) -> bool:
    """Whether this process is the one to look now."""
    mine = Watch.objects.filter(pk=1, looked_at__lte=now - EVERY).update(looked_at=now)
    if not mine and not Watch.objects.filter(pk=1).exists():
        Watch.objects.bulk_create([Watch(pk=1, looked_at=NEVER)], ignore_conflicts=True)
        return _my_turn(now)
    return bool(mine)


def _judge(values: measures.Values, now: datetime, only: str) -> list[Change]:
    known = {(row.rule, row.subject): row for row in Alert.objects.select_for_update()}
    found = [
        _step(rule, subject, known.get((rule.name, subject)), values.get((rule.name, subject)), now)
        for rule in rules().values()
        for subject in sorted({key[1] for key in (*values, *known) if key[0] == rule.name})
        if not only or rule.name == only
    ]
    return [change for change in found if change is not None]


def _step(rule: Rule, subject: str, row: Alert | None, value: float | None, now: datetime) -> Change | None:
    """Move one alarm on; a row is made only where there is something to remember."""
    before = Standing(row.raised, row.against_since) if row else Standing()
    after = alarms.step(rule, before, value, now)
    changed = after.raised != before.raised
    if after == before and not (row and row.raised):
        return None
    row = row or Alert(rule=rule.name, subject=subject)
    row.raised, row.against_since = after.raised, after.against_since
    row.value = row.value if value is None else value  # of a subject that is gone the last one is told
    row.changed_at = now if changed else row.changed_at
    row.save()
    return Change(rule, subject, after.raised, value) if changed else None


def _overs(changes: Sequence[Change]) -> list[str]:
    return [change.sentence() for change in changes if not change.raised]


def _hints(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(change.rule.hint.format(subject=change.subject) for change in changes if change.raised))
