"""The chat's own HTTP interface for programs, and for the page's script."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.chat import services


class ConversationInput(serializers.Serializer[Any]):
    """What a program may say about a chat it starts."""

    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    model = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConversationOutput(serializers.Serializer[Any]):
    """A chat as programs see it."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    model = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ConversationCollection(APIView):
    """Start a chat."""

    scope = "chat"

    def post(self, request: Request) -> Response:
        given = ConversationInput(data=request.data)
        given.is_valid(raise_exception=True)
        conversation = services.conversation_create(user=cast(User, request.user), **given.validated_data)
        return Response(ConversationOutput(conversation).data, status=status.HTTP_201_CREATED)
