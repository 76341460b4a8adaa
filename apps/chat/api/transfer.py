"""Taking chats out and bringing them in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat import transfer
from apps.chat.api.shapes import ConversationOutput
from apps.core.bodies import SoundJSONParser
from apps.core.endpoints import Endpoint, asked
from apps.core.idempotency import idempotent

FORMATS = ["json", "markdown"]


class ImportParser(SoundJSONParser):
    """A chat of years is longer than a question."""

    limit = 30 * 1024 * 1024


class Wished(serializers.Serializer[Any]):
    """As what a chat shall come."""

    format = serializers.ChoiceField(choices=FORMATS, default="json")


class Export(Endpoint):
    """A chat to keep."""

    scope = "chat"
    tag = "conversations"

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=FORMATS, description="`json` unless it is said otherwise.")],
        responses={200: OpenApiTypes.OBJECT, (200, "text/markdown"): OpenApiResponse(str)},
    )
    def get(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """The chat as a file: `json` has every version of every message, `markdown` what the page shows."""
        if asked(Wished, request)["format"] == "json":
            found = transfer.conversation_as_json(user=caller(request), conversation_id=conversation_id)
            return Response(found, headers={"Content-Disposition": 'attachment; filename="chat.json"'})
        text = transfer.conversation_as_markdown(user=caller(request), conversation_id=conversation_id)
        headers = {"Content-Disposition": 'attachment; filename="chat.md"'}
        return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)


class Import(Endpoint):
    """A chat that comes back."""

    scope = "chat"
    tag = "conversations"
    parser_classes = (ImportParser,)

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: ConversationOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a new chat of an export as JSON. It gets new ids: nothing that is there is ever overwritten."""
        conversation = transfer.conversation_import(user=caller(request), data=request.data)
        return Response(ConversationOutput(conversation).data, status=status.HTTP_201_CREATED)
