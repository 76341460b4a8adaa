"""A chat as something to keep or to take along: out as Markdown or JSON, in from that JSON, always as a new chat."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat import conversation_services, frames, markdown, selectors
from apps.chat.models import Conversation, Message, Turn
from apps.core.errors import Invalid

FORMAT, VERSION = "nitro-conversation", 1
MOST_MESSAGES = 20_000
TEXT_LIMIT = 1_000_000
NAMES = {Message.Role.USER: "You", Message.Role.ASSISTANT: "Nitro"}


# --- out -------------------------------------------------------------------------------------------------------------


def conversation_as_json(*, user: User, conversation_id: UUID) -> dict[str, Any]:
    """All of a chat, every version of every message included. Raises `NotFound`."""
    conversation = selectors.conversation_get(user=user, conversation_id=conversation_id)
    rows = list(Message.objects.filter(conversation=conversation).order_by("created_at", "id").defer("html"))
    models = _models_of(rows)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(),
        "conversation": {
            "id": str(conversation.id),
            "title": conversation.title,
            "model": conversation.model,
            "options": conversation.options,
            "system_prompt": conversation.system_prompt,
            "created_at": conversation.created_at.isoformat(),
            "leaf": str(conversation.leaf_id) if conversation.leaf_id else None,
        },
        "messages": [_message_as_json(row, models.get(row.id, "")) for row in rows],
    }


def _message_as_json(row: Message, model: str) -> dict[str, Any]:
    found = {
        "id": str(row.id),
        "parent": str(row.parent_id) if row.parent_id else None,
        "role": row.role,
        "text": row.text,
        "created_at": row.created_at.isoformat(),
    }
    more = {"reasoning": row.reasoning, "model": model}
    return found | {name: value for name, value in more.items() if value}


def _models_of(rows: Iterable[Message]) -> dict[UUID, str]:
    """The model that wrote each answer, where one is known."""
    answers = [row.id for row in rows if row.role == Message.Role.ASSISTANT]
    turns = Turn.objects.filter(answer__in=answers).order_by("created_at").values_list("answer_id", "model")
    return dict(turns)


def conversation_as_markdown(*, user: User, conversation_id: UUID) -> str:
    """The path that is shown, as somebody would read it. Raises `NotFound`."""
    thread = selectors.thread_get(user=user, conversation_id=conversation_id, limit=MOST_MESSAGES)
    parts = [f"# {thread.conversation.title or 'Chat'}"]
    for shown in thread.shown:
        name = NAMES[Message.Role(shown.message.role)]
        model = f" ({shown.turn.model})" if shown.turn is not None and shown.turn.model else ""
        parts += [f"## {name}{model}", shown.message.text.strip() or "*(nothing)*"]
    return "\n\n".join(parts) + "\n"


# --- in --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of what comes in; its ids are names in there, and never those of rows."""

    name: str
    parent: str
    role: str
    text: str
    reasoning: str
    created_at: datetime | None


@transaction.atomic
def conversation_import(*, user: User, data: object) -> Conversation:
    """Make a new chat of what was exported. Nothing that is there already is touched, whatever ids it names.

    Raises `Invalid` with a sentence for everything that is not as an export is.
    """
    about, entries = _read(data)
    conversation = Conversation(
        owner=user,
        title=_text(about, "title")[:120],
        model=_text(about, "model")[:200],
        options=dict(frames.options(about.get("options") or {})),
        system_prompt=conversation_services.sound_prompt(_text(about, "system_prompt")),
    )
    conversation.save()
    rows = _rows(conversation, entries)
    Message.objects.bulk_create(rows.values(), batch_size=500)
    leaf = rows.get(str(about.get("leaf"))) or next(reversed(rows.values()), None)
    conversation.leaf = leaf
    conversation.save(update_fields=["leaf"])
    return conversation


def _rows(conversation: Conversation, entries: Sequence[Entry]) -> dict[str, Message]:
    """The new rows by their name in the file; a parent stands before its children."""
    rows: dict[str, Message] = {}
    for entry in entries:
        parent = rows.get(entry.parent) if entry.parent else None
        if (entry.parent and parent is None) or entry.name in rows:
            raise Invalid("A message names another before which it stands, or has the id of another.")
        is_answer = entry.role == Message.Role.ASSISTANT
        rows[entry.name] = Message(
            html=markdown.render(entry.text) if is_answer else "",
            html_version=markdown.VERSION if is_answer else 0,  # from here on the search finds it
            conversation=conversation,
            parent=parent,
            position=parent.position + 1 if parent else 0,
            role=entry.role,
            text=entry.text,
            reasoning=entry.reasoning,
            created_at=entry.created_at or timezone.now(),
        )
    return rows


def _read(data: object) -> tuple[Mapping[str, Any], list[Entry]]:
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise Invalid("This is no chat that Nitro has exported.", hint="Send what /export/?format=json gave.")
    about, messages = data.get("conversation"), data.get("messages")
    if not isinstance(about, dict) or not isinstance(messages, list) or len(messages) > MOST_MESSAGES:
        raise Invalid(f"An export has a 'conversation' and at most {MOST_MESSAGES:,} 'messages'.")
    return about, [_entry(item) for item in messages]


def _entry(item: object) -> Entry:
    if not isinstance(item, dict) or item.get("role") not in Message.Role.values:
        raise Invalid("Each message has a role: " + " or ".join(Message.Role.values) + ".")
    return Entry(
        name=_text(item, "id") or uuid.uuid4().hex,
        parent=_text(item, "parent"),
        role=item["role"],
        text=_text(item, "text"),
        reasoning=_text(item, "reasoning"),
        created_at=_moment(_text(item, "created_at")),
    )


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_LIMIT:
        raise Invalid(f"'{name}' must be a text of at most {TEXT_LIMIT:,} characters.")
    return value


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("'created_at' must be a time such as 2026-11-23T12:00:00+00:00.") from error
    if found is None or found.tzinfo is not None:
        return found
    return timezone.make_aware(found)
