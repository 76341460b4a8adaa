"""Webhooks over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import hooks
from apps.accounts.authentication import caller
from apps.accounts.models import HookEvent
from apps.core.endpoints import Endpoint, given
from apps.core.idempotency import idempotent
from apps.core.paging import page_of
from apps.core.schema import paged

HOOK = OpenApiExample("A webhook", {"url": "https://example.org/nitro", "events": ["answer.done"]}, request_only=True)


class WebhookInput(serializers.Serializer[Any]):
    """Where to, and about what."""

    url = serializers.CharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(choices=HookEvent.choices), min_length=1)


class WebhookOutput(serializers.Serializer[Any]):
    """A webhook as programs see it."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class NewWebhookOutput(WebhookOutput):
    """A webhook just made: the only moment at which its secret can be seen."""

    secret = serializers.CharField(help_text="Messages are signed with it, in the header X-Nitro-Signature.")


class Webhooks(Endpoint):
    """All webhooks."""

    scope = "chat"
    tag = "webhooks"

    @extend_schema(**paged(WebhookOutput))
    def get(self, request: Request) -> Response:
        """The webhooks, newest first."""
        return page_of(request, hooks.webhooks_of(user=caller(request)), WebhookOutput)

    @extend_schema(request=WebhookInput, responses={201: NewWebhookOutput}, examples=[HOOK])
    @idempotent
    def post(self, request: Request) -> Response:
        """Be told, by a signed POST to an address of your own, when an answer or a picture of yours is done."""
        made = hooks.webhook_create(user=caller(request), **given(WebhookInput, request))
        return Response(NewWebhookOutput(made).data, status=status.HTTP_201_CREATED)


class OneWebhook(Endpoint):
    """One webhook."""

    scope = "chat"
    tag = "webhooks"

    @extend_schema(responses=WebhookOutput)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """A webhook, without its secret."""
        return Response(WebhookOutput(hooks.webhook_get(user=caller(request), webhook_id=webhook_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Call there no more."""
        hooks.webhook_delete(user=caller(request), webhook_id=webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
