"""Chats under their headings, and the sentence about who answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat import cards
from apps.chat.engine import engine
from apps.chat.models import Conversation
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2026, 11, 24), "Today"),
        (date(2026, 11, 23), "Today"),
        (date(2026, 11, 22), "Yesterday"),
        (date(2026, 11, 21), "Previous 7 days"),
        (date(2026, 11, 16), "Previous 7 days"),
        (date(2026, 11, 15), "Previous 30 days"),
        (date(2026, 10, 24), "Previous 30 days"),
        (date(2026, 10, 23), "October"),
        (date(2026, 1, 1), "January"),
        (date(2025, 12, 31), "December 2025"),
    ],
)
def test_a_day_has_a_heading(day: date, label: str) -> None:
    assert cards.day_label(day, TODAY) == label


def chats(alice: User, *ages: timedelta) -> list[Conversation]:
    return [Conversation.objects.create(owner=alice, updated_at=NOW - age) for age in ages]


def test_chats_of_a_day_stand_together(alice: User) -> None:
    rows = chats(alice, timedelta(hours=1), timedelta(hours=2), timedelta(days=1))
    listed = cards.chat_list(rows, now=NOW, zone=UTC)
    assert [(group.label, len(group.conversations)) for group in listed.groups] == [("Today", 2), ("Yesterday", 1)]


def test_the_reader_s_time_zone_decides_what_today_is(alice: User) -> None:
    rows = chats(alice, timedelta(hours=1))
    late = NOW + timedelta(hours=11)
    assert cards.chat_list(rows, now=late, zone=UTC).groups[0].label == "Today"
    assert cards.chat_list(rows, now=late, zone=ZoneInfo("Asia/Tokyo")).groups[0].label == "Yesterday"


def test_a_full_page_says_where_the_next_begins(alice: User) -> None:
    rows = chats(alice, *(timedelta(minutes=n) for n in range(cards.LIST_LIMIT)))
    assert cards.chat_list(rows, now=NOW, zone=UTC).older == rows[-1].updated_at
    assert cards.chat_list(rows[:-1], now=NOW, zone=UTC).older is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (LlmSettings(ai_model="builtin", kinds=("builtin",)), "often wrong about facts"),
        (LlmSettings(ai_model="openai", kinds=("openai",), openai_model="big-one"), "big-one answers"),
        (LlmSettings(ai_model="ollama", kinds=()), "AI_MODEL is ollama"),
    ],
)
def test_the_page_says_who_answers(settings: LlmSettings, sentence: str) -> None:
    before = use(Router(settings))
    try:
        assert sentence in engine().sentence
    finally:
        use(before)


def test_the_page_speaks_of_the_model_of_the_chat_and_not_of_the_default_one(client: Client, alice: User) -> None:
    chat = Conversation.objects.create(owner=alice, model="openai:other")
    client.force_login(alice)
    before = use(Router(LlmSettings(ai_model="builtin", kinds=("builtin", "openai"), openai_model="big-one")))
    try:
        page = client.get(f"/c/{chat.pk}/").content.decode()
    finally:
        use(before)
    assert "other answers. Check what matters." in page
    assert "often wrong about facts" not in page
