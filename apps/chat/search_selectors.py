"""Reads of the chat for its search: whose titles or messages hold some words, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Left

from apps.accounts.models import User
from apps.chat import snippets
from apps.chat.models import Conversation, Message
from apps.chat.snippets import Piece, Query

MOST_HITS = 2000  # a word with more is common, and the user's chats are looked through from the newest one on
NEWEST_CHATS = 300
READ = 100_000  # characters of a message that are read for its snippet: as many as are searched

TITLES = """
SELECT id FROM chat_conversation
WHERE owner_id = %(user)s AND deleted_at IS NULL AND to_tsvector('simple', title) @@ to_tsquery('simple', %(query)s)
ORDER BY updated_at DESC LIMIT %(limit)s
"""

# A rare word: all messages that hold it are known from the index at once.
RARE = """
WITH hits AS MATERIALIZED (
    SELECT id, conversation_id, created_at FROM chat_message
    WHERE words @@ to_tsquery('simple', %(query)s) LIMIT %(most)s
), newest AS (
    SELECT DISTINCT ON (conversation.updated_at, conversation.id) conversation.id AS conversation_id, hits.id
    FROM hits JOIN chat_conversation conversation ON conversation.id = hits.conversation_id
    WHERE conversation.owner_id = %(user)s AND conversation.deleted_at IS NULL
    ORDER BY conversation.updated_at DESC, conversation.id, hits.created_at DESC
    LIMIT %(limit)s
)
SELECT newest.conversation_id, newest.id, (SELECT count(*) FROM hits) FROM (SELECT) one LEFT JOIN newest ON true
"""

# A common one: the newest chats most likely have it.
COMMON = """
SELECT recent.id, hit.id FROM (
    SELECT id, updated_at FROM chat_conversation WHERE owner_id = %(user)s AND deleted_at IS NULL
    ORDER BY updated_at DESC LIMIT %(chats)s
) recent CROSS JOIN LATERAL (
    SELECT message.id FROM chat_message message
    WHERE message.conversation_id = recent.id AND message.words @@ to_tsquery('simple', %(query)s)
    ORDER BY message.created_at DESC LIMIT 1
) hit
ORDER BY recent.updated_at DESC LIMIT %(limit)s
"""

# Common elsewhere and rare here: what the index says of the word, and of this user's chats.
OWN = """
WITH hits AS MATERIALIZED (
    SELECT id, conversation_id, created_at FROM chat_message
    WHERE words @@ to_tsquery('simple', %(query)s) AND conversation_id = ANY(ARRAY(
        SELECT id FROM chat_conversation WHERE owner_id = %(user)s AND deleted_at IS NULL
    )) LIMIT %(most)s
)
SELECT DISTINCT ON (conversation.updated_at, conversation.id) conversation.id, hits.id
FROM hits JOIN chat_conversation conversation ON conversation.id = hits.conversation_id
ORDER BY conversation.updated_at DESC, conversation.id, hits.created_at DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A chat that holds what was looked for: in its title, or in `message_id`, from which the snippet is."""

    conversation: Conversation
    message_id: UUID | None
    snippet: Sequence[Piece]


def conversation_search(*, user: User, query: str, limit: int = 20) -> list[Found]:
    """The user's chats that hold all words of a query: those with a fitting title first, then the newest ones.

    Words are found by their beginning, `"several words"` side by side, `-word` must not be there. An empty query finds
    nothing. Takes some 15 ms among 100,000 messages.
    """
    asked = snippets.query_from(query)
    if not asked:
        return []
    values = {"user": user.pk, "query": asked.tsquery, "limit": limit, "most": MOST_HITS, "chats": NEWEST_CHATS}
    titled = [row[0] for row in _rows(TITLES, values)]
    hits = _messages(values)
    ids = list(dict.fromkeys((*titled, *hits)))[:limit]
    chats = Conversation.objects.filter(owner=user, deleted_at=None).in_bulk(ids)
    texts = _texts(hits[one] for one in ids if one in hits)
    return [_found(chats[one], hits.get(one), texts, asked) for one in ids if one in chats]


def _messages(values: dict[str, Any]) -> dict[UUID, UUID]:
    """The newest fitting message of each chat that has any, the chat used last first."""
    rows = _rows(RARE, values)
    if rows[0][2] >= MOST_HITS:
        rows = _rows(COMMON, values)
        if len(rows) < values["limit"]:
            rows = _rows(OWN, values)
    return {row[0]: row[1] for row in rows if row[0] is not None}


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _texts(message_ids: Any) -> dict[UUID, str]:
    rows = Message.objects.filter(id__in=list(message_ids)).annotate(read=Left(F("text"), READ))
    return dict(rows.values_list("id", "read"))


def _found(chat: Conversation, message_id: UUID | None, texts: dict[UUID, str], asked: Query) -> Found:
    text = texts.get(message_id, "") if message_id is not None else ""
    return Found(chat, message_id, snippets.snippet(text, asked.words) or snippets.beginning(text))
