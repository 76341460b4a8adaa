"""What the chat's templates show: messages with their HTML, and chats grouped by the day they were last used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from uuid import UUID

from django.utils.safestring import SafeString, mark_safe

from apps.chat import markdown, services
from apps.chat.models import Conversation, Message, Turn
from apps.chat.selectors import Shown
from apps.search.cards import SearchCard, search_card
from apps.search.models import Search

LIST_LIMIT = 60
PINNED = "Pinned"
CONTINUABLE = frozenset({"length", "stopped", "interrupted"})


@dataclass(frozen=True, slots=True)
class Card:
    """One message, ready for its template: the row, its versions, its turn, and an answer's HTML."""

    shown: Shown
    html: SafeString
    search: SearchCard | None = None

    @property
    def message(self) -> Message:
        return self.shown.message

    @property
    def turn(self) -> Turn | None:
        return self.shown.turn

    @property
    def weak(self) -> bool:
        """Whether the small built-in model has answered, beside whose words the passages should be read."""
        return self.turn is not None and self.turn.provider == "builtin"

    @property
    def running(self) -> bool:
        return self.turn is not None and self.turn.state == Turn.State.RUNNING

    @property
    def continuable(self) -> bool:
        """Whether going on at the end of this answer makes sense."""
        return self.turn is not None and self.turn.finish_reason in CONTINUABLE and bool(self.message.text)

    @property
    def first_token_seconds(self) -> float | None:
        return None if self.turn is None or self.turn.first_token_ms is None else self.turn.first_token_ms / 1000

    @property
    def total_seconds(self) -> float | None:
        return None if self.turn is None or self.turn.total_ms is None else self.turn.total_ms / 1000


def card(shown: Shown, search: Search | None = None) -> Card:
    html = answer_html(shown) if shown.message.role == Message.Role.ASSISTANT else SafeString()
    return Card(shown, html, search_card(search) if search is not None else None)


def answer_html(shown: Shown) -> SafeString:
    """The HTML kept beside the text where this renderer made it; rendered now, and kept, where not."""
    message = shown.message
    if message.html_version == markdown.VERSION:
        return mark_safe(message.html)  # noqa: S308 - made and cleaned by our own renderer
    html = markdown.render(message.text)
    if shown.turn is None or shown.turn.state != Turn.State.RUNNING:
        services.html_save(message=message, html=html, version=markdown.VERSION)
    return mark_safe(html)  # noqa: S308 - cleaned by the renderer


@dataclass(frozen=True, slots=True)
class Group:
    """Chats under one heading of the sidebar."""

    label: str
    conversations: Sequence[Conversation]


@dataclass(frozen=True, slots=True)
class ChatList:
    """A page of the sidebar; `older` is where the next page begins, None at the end."""

    groups: Sequence[Group]
    older: datetime | None
    current: UUID | None = None

    @property
    def newest(self) -> Conversation | None:
        """The chat used last of all that are listed."""
        listed = (conversation for group in self.groups for conversation in group.conversations)
        return max(listed, key=lambda conversation: conversation.updated_at, default=None)


def chat_list(
    conversations: Sequence[Conversation],
    *,
    now: datetime,
    zone: tzinfo,
    current: UUID | None = None,
    pinned: Sequence[Conversation] = (),
) -> ChatList:
    """Chats (newest first) under the headings that fit a reader in this time zone, below those that are pinned."""
    today = now.astimezone(zone).date()
    older = conversations[-1].updated_at if len(conversations) == LIST_LIMIT else None
    top = [Group(PINNED, pinned)] if pinned else []
    return ChatList([*top, *_groups(conversations, today, zone)], older, current)


def _groups(conversations: Iterable[Conversation], today: date, zone: tzinfo) -> Iterable[Group]:
    for label, members in groupby(conversations, lambda c: day_label(c.updated_at.astimezone(zone).date(), today)):
        yield Group(label, list(members))


def day_label(day: date, today: date) -> str:
    """Today, Yesterday, the last week, the last month, and then months by name."""
    age = (today - day).days
    if age <= 0:
        return "Today"
    if age == 1:
        return "Yesterday"
    if age <= 7:
        return "Previous 7 days"
    if age <= 30:
        return "Previous 30 days"
    return f"{day:%B}" if day.year == today.year and today - day < timedelta(days=366) else f"{day:%B %Y}"
