"""The messages of a chat, for programs."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat import selectors
from apps.chat.api.shapes import MessageOutput
from apps.core.endpoints import Endpoint
from apps.core.paging import Pages
from apps.core.schema import paged


class Messages(Endpoint):
    """All messages of a chat."""

    scope = "chat"
    tag = "conversations"

    @extend_schema(**paged(MessageOutput))
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """The messages, oldest first: every version of each. From the chat's `leaf` upwards is what the page shows."""
        rows = selectors.messages_of(user=caller(request), conversation_id=conversation_id)
        pages = Pages("created_at", "id")
        found = pages.paginate_queryset(rows, request) or []
        turns = selectors.last_turns(messages=found)
        return pages.get_paginated_response(MessageOutput(found, many=True, context={"turns": turns}).data)
