"""What people used, by day: one row per user and day, written with the end of each answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection

from apps.accounts.models import DailyUsage

ADD = """
INSERT INTO nitro_daily_usage (user_id, day, messages, prompt_tokens, completion_tokens)
SELECT id, %(day)s, %(messages)s, %(prompt)s, %(completion)s FROM nitro_user WHERE id = %(user)s
ON CONFLICT (user_id, day) DO UPDATE SET
    messages = nitro_daily_usage.messages + EXCLUDED.messages,
    prompt_tokens = nitro_daily_usage.prompt_tokens + EXCLUDED.prompt_tokens,
    completion_tokens = nitro_daily_usage.completion_tokens + EXCLUDED.completion_tokens
"""


def day_add(*, user_id: int, day: date, messages: int = 1, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
    """Add to a day, in one statement; nothing for a user who is gone."""
    values: dict[str, Any] = {
        "user": user_id,
        "day": day,
        "messages": messages,
        "prompt": prompt_tokens,
        "completion": completion_tokens,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, values)


def day_get(*, user_id: int, day: date) -> DailyUsage:
    """What a user used on a day; zeros where there is nothing yet."""
    return DailyUsage.objects.filter(user_id=user_id, day=day).first() or DailyUsage(user_id=user_id, day=day)


def days_list(*, user_id: int, since: date) -> list[DailyUsage]:
    """The days of a user from `since` on, oldest first; days without any use are left out."""
    return list(DailyUsage.objects.filter(user_id=user_id, day__gte=since).order_by("day"))
