"""The chats as a shelf of their owner's library, for searches that find nobody else to ask."""

from __future__ import annotations

from django.db import connection
from django.urls import reverse

from apps.accounts.models import User
from apps.search.library import Book
from apps.search.words import any_of

READ = 20_000  # characters of a message
BOOKS = """
SELECT message.conversation_id, message.id, conversation.title, left(message.text, %(read)s)
FROM chat_message message JOIN chat_conversation conversation ON conversation.id = message.conversation_id
WHERE conversation.owner_id = %(user)s AND conversation.deleted_at IS NULL
    AND message.words @@ to_tsquery('simple', %(words)s) AND message.text <> %(query)s
ORDER BY ts_rank(message.words, to_tsquery('simple', %(words)s)) DESC, message.created_at DESC
LIMIT %(limit)s
"""


def books_of_chats(user: User, query: str, limit: int) -> list[Book]:
    """Messages of the user's chats that hold a word of the question, the fittest first; not the question itself."""
    words = any_of(query)
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(BOOKS, {"read": READ, "user": user.pk, "words": words, "query": query, "limit": limit})
        return [Book(_address(chat, message), title, text) for chat, message, title, text in cursor.fetchall()]


def _address(conversation_id: object, message_id: object) -> str:
    return f"{reverse('chat:conversation', args=[conversation_id])}#m-{message_id}"
