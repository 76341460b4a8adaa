"""The chats of a program's user: list, start, look at, change, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat import conversation_services, search_selectors, selectors
from apps.chat.api.shapes import ConversationChange, ConversationInput, ConversationOutput, FoundOutput
from apps.chat.models import Conversation
from apps.core.endpoints import Endpoint, given
from apps.core.etags import etag_of, if_match, if_none_match
from apps.core.idempotency import idempotent
from apps.core.paging import Pages, page_of
from apps.core.schema import paged

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="An ETag: changes nothing where the chat is another by now."
)
QUERY_LIMIT = 500
SEARCH = OpenApiParameter("q", str, description="Words to look for in titles and messages; the first twenty chats.")
STARTED = OpenApiExample("A chat about bread", {"title": "Bread", "model": ""}, request_only=True)


class Conversations(Endpoint):
    """All chats."""

    scope = "chat"
    tag = "conversations"

    @extend_schema(**paged(FoundOutput, SEARCH))
    def get(self, request: Request) -> Response:
        """The chats, the one used last first; with `q` those that hold some words, and where."""
        query = request.query_params.get("q", "")
        if query:
            limit = Pages().get_page_size(request)
            found = search_selectors.conversation_search(user=caller(request), query=query[:QUERY_LIMIT], limit=limit)
            return Response({"next": None, "previous": None, "results": FoundOutput(found, many=True).data})
        rows = selectors.conversations_of(user=caller(request))
        return page_of(request, rows, FoundOutput, "-updated_at", "-id")

    @extend_schema(request=ConversationInput, responses={201: ConversationOutput}, examples=[STARTED])
    @idempotent
    def post(self, request: Request) -> Response:
        """Start a chat."""
        conversation = conversation_services.conversation_create(
            user=caller(request), **given(ConversationInput, request)
        )
        return answer(conversation, status.HTTP_201_CREATED)


class OneConversation(Endpoint):
    """One chat. Its ETag changes with everything that a program can see of it."""

    scope = "chat"
    tag = "conversations"

    @extend_schema(responses=ConversationOutput)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Look at a chat; 304 where the ETag sent as If-None-Match is still right."""
        found = answer(selectors.conversation_get(user=caller(request), conversation_id=conversation_id))
        return if_none_match(request, found)

    @extend_schema(request=ConversationChange, responses=ConversationOutput, parameters=[IF_MATCH])
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Change a chat's title, its model, how it answers, or whether it stays at the top of the list."""
        with transaction.atomic():
            self.check(request, conversation_id)
            changes = given(ConversationChange, request)
            changed = conversation_services.conversation_change(
                user=caller(request), conversation_id=conversation_id, changes=changes
            )
        return answer(changed)

    @extend_schema(responses={204: None}, parameters=[IF_MATCH])
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        """Delete a chat. Its owner can bring it back on the page for a day."""
        with transaction.atomic():
            self.check(request, conversation_id)
            conversation_services.conversation_delete(user=caller(request), conversation_id=conversation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def check(self, request: Request, conversation_id: UUID) -> None:
        """Raise `Changed` where the caller has seen another state of the chat than the one it is in.

        The chat stays locked until the transaction ends: of two changes of the same state at once one is refused.
        """
        conversation = selectors.conversation_lock(user=caller(request), conversation_id=conversation_id)
        if_match(request, etag_of(shape(conversation)))


def shape(conversation: Conversation) -> dict[str, Any]:
    return dict(ConversationOutput(conversation).data)


def answer(conversation: Conversation, code: int = status.HTTP_200_OK) -> Response:
    data = shape(conversation)
    return Response(data, status=code, headers={"ETag": etag_of(data)})
