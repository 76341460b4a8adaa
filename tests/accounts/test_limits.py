"""How much people may ask: per minute from one counter, per day from their groups' quotas."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from pytest_django import Settings
from redis import ConnectionError as RedisConnectionError

from apps.accounts import limits, usage
from apps.accounts.limits import Limits, QuotaReached, RateLimited
from apps.accounts.models import DailyUsage, GroupLimit, User
from apps.accounts.throttling import QuestionThrottle
from apps.core import memory, windows
from apps.core.windows import Rate

pytestmark = pytest.mark.django_db
ADDRESS = "203.0.113.5"


@pytest.fixture(autouse=True)
def _three_per_minute(settings: Settings) -> None:
    settings.RATE_LIMIT_CHAT = "3/minute"


def group(user: User, name: str = "guests", **fields: Any) -> GroupLimit:
    """A group with limits that the user is in."""
    made = Group.objects.create(name=name)
    made.user_set.add(user)
    limits.forget()
    return GroupLimit.objects.create(group=made, **fields)


def ask(user: User, address: str = "", *, times: int = 1, running: int = 0) -> None:
    for _ in range(times):
        limits.question_admit(user_id=user.pk, address=address, running=running)


def test_the_fourth_question_of_a_minute_is_refused_with_the_time_to_wait(alice: User) -> None:
    ask(alice, times=3)
    with pytest.raises(RateLimited) as refused:
        ask(alice)
    assert (refused.value.code, refused.value.status, refused.value.permanent) == ("rate_limited", 429, False)
    assert refused.value.retry_after is not None
    assert 59 < refused.value.retry_after <= 60


@pytest.mark.parametrize(
    ("wait", "words"),
    [(0.2, "1 second"), (1.0, "1 second"), (5.2, "6 seconds"), (119.0, "119 seconds"), (150.0, "3 minutes")],
)
def test_whoever_waits_as_long_as_is_said_is_let_in(
    alice: User, wait: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "admit", lambda rates: wait)
    with pytest.raises(RateLimited) as refused:
        ask(alice)
    assert refused.value.hint == f"Ask again in {words}."


def test_one_users_questions_do_not_count_for_another(alice: User, bob: User) -> None:
    ask(alice, times=3)
    ask(bob, times=3)


def test_an_address_has_a_limit_of_its_own(db: None) -> None:
    for user_id in range(1000, 1030):
        limits.question_admit(user_id=user_id, address=ADDRESS)
    with pytest.raises(RateLimited):
        limits.question_admit(user_id=2000, address=ADDRESS)
    limits.question_admit(user_id=2000, address="203.0.113.6")


def test_this_machines_own_address_is_not_counted(db: None) -> None:
    for user_id in range(1000, 1040):
        limits.question_admit(user_id=user_id, address="127.0.0.1")


def test_while_redis_is_away_questions_are_let_through(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(memory, "connection", away)
    monkeypatch.setattr(memory, "outage", memory.Outage(lambda: None))
    ask(alice, times=10)
    assert memory.outage.wait(30)


def test_a_group_can_have_another_rate(alice: User, bob: User) -> None:
    group(alice, rate="5/minute")
    ask(alice, times=5)
    with pytest.raises(RateLimited):
        ask(alice)
    with pytest.raises(RateLimited):
        ask(bob, times=4)


def test_without_any_group_limit_nothing_is_asked_of_the_database(alice: User, django_assert_num_queries: Any) -> None:
    limits.limits_of(user_id=alice.pk)
    with django_assert_num_queries(0):
        ask(alice)


def test_limits_are_known_for_a_moment(alice: User, django_assert_num_queries: Any) -> None:
    group(alice, rate="5/minute")
    limits.limits_of(user_id=alice.pk)
    with django_assert_num_queries(0):
        assert limits.limits_of(user_id=alice.pk).rate == Rate(5, 60)


def test_a_change_of_the_administrator_holds_within_five_seconds(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("apps.accounts.limits.time.monotonic", lambda: clock[0])
    assert limits.limits_of(user_id=alice.pk).rate == Rate(3, 60)
    changed = Group.objects.create(name="staff")
    changed.user_set.add(alice)
    GroupLimit.objects.create(group=changed, rate="7/minute")
    clock[0] += 5
    assert limits.limits_of(user_id=alice.pk).rate == Rate(7, 60)
    GroupLimit.objects.update(rate="8/minute")
    clock[0] += 5
    assert limits.limits_of(user_id=alice.pk).rate == Rate(8, 60)


def test_who_is_in_several_groups_has_the_most_generous_limits() -> None:
    guests = GroupLimit(rate="1/minute", messages_per_day=10, tokens_per_day=100)
    staff = GroupLimit(rate="1/second", messages_per_day=None, tokens_per_day=50)
    assert limits.limits_together([guests, staff]) == Limits(Rate(1, 1), None, 100)


def test_a_quota_of_messages_ends_at_its_number(alice: User) -> None:
    group(alice, messages_per_day=2)
    usage.day_add(user_id=alice.pk, day=limits.today(), messages=1)
    ask(alice)
    with pytest.raises(QuotaReached) as refused:
        ask(alice, running=1)
    assert (refused.value.code, refused.value.status) == ("quota_reached", 429)
    assert 0 < (refused.value.retry_after or 0) <= 86_400


def test_a_quota_of_tokens_counts_what_is_read_and_written(alice: User) -> None:
    group(alice, tokens_per_day=100)
    usage.day_add(user_id=alice.pk, day=limits.today(), prompt_tokens=60, completion_tokens=39)
    ask(alice, running=50)
    usage.day_add(user_id=alice.pk, day=limits.today(), completion_tokens=1)
    with pytest.raises(QuotaReached, match="tokens"):
        ask(alice)


def test_yesterday_does_not_count(alice: User) -> None:
    group(alice, messages_per_day=1)
    usage.day_add(user_id=alice.pk, day=limits.today() - timedelta(days=1), messages=5)
    ask(alice)


def test_a_quota_of_nothing_allows_nothing(alice: User) -> None:
    group(alice, messages_per_day=0)
    with pytest.raises(QuotaReached):
        ask(alice)


@pytest.mark.parametrize(("used", "told"), [(0, False), (79, False), (80, True), (100, True)])
def test_a_quota_is_told_before_it_bites(alice: User, used: int, told: bool) -> None:
    group(alice, messages_per_day=100)
    usage.day_add(user_id=alice.pk, day=limits.today(), messages=used)
    assert bool(limits.quota_notice(user_id=alice.pk)) is told


def test_the_fullest_quota_is_the_one_that_is_told(alice: User) -> None:
    group(alice, messages_per_day=100, tokens_per_day=100)
    usage.day_add(user_id=alice.pk, day=limits.today(), messages=1, completion_tokens=90)
    assert "90 of today's 100 tokens" in limits.quota_notice(user_id=alice.pk)
    assert limits.quotas(user_id=alice.pk)[1] == limits.Quota("messages", 1, 100)


def test_most_people_have_no_quota(alice: User) -> None:
    assert limits.quotas(user_id=alice.pk) == []
    assert limits.quota_notice(user_id=alice.pk) == ""


def test_usage_adds_up_by_day(alice: User) -> None:
    day = date(2026, 11, 23)
    for _ in range(3):
        usage.day_add(user_id=alice.pk, day=day, prompt_tokens=10, completion_tokens=5)
    (row,) = usage.days_list(user_id=alice.pk, since=day)
    assert (row.messages, row.tokens) == (3, 45)
    assert usage.day_get(user_id=alice.pk, day=day + timedelta(days=1)).tokens == 0


def test_usage_of_nobody_is_not_kept(db: None) -> None:
    usage.day_add(user_id=0, day=limits.today())
    assert not DailyUsage.objects.exists()


def test_the_throttle_of_the_api_counts_with_the_others(alice: User) -> None:
    request: Any = RequestFactory().post("/")
    request.user = alice
    ask(alice, times=2)
    assert QuestionThrottle().allow_request(request, None)  # type: ignore[arg-type]
    with pytest.raises(RateLimited):
        QuestionThrottle().allow_request(request, None)  # type: ignore[arg-type]


def test_the_admin_refuses_what_is_no_rate(alice: User) -> None:
    limit = group(alice, rate="often")
    with pytest.raises(ValidationError, match="60/minute"):
        limit.full_clean()
