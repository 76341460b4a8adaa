"""Pictures beside questions: sent before the question, named in it, and looked at later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat import attachments
from apps.chat.models import Attachment
from apps.core.endpoints import Endpoint, given
from apps.core.idempotency import idempotent_slowly
from apps.core.served import file_response


class AttachmentInput(serializers.Serializer[Any]):
    """One picture: PNG, JPEG, WebP or GIF of at most 20 MB."""

    file = serializers.FileField(max_length=1000)


class AttachmentOutput(serializers.Serializer[Any]):
    """A picture that can be named in the `attachments` of a question."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    media_type = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes.")
    url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()

    def get_url(self, row: Attachment) -> str:
        return f"/api/attachments/{row.id}/file/"

    def get_thumbnail_url(self, row: Attachment) -> str:
        return f"/api/attachments/{row.id}/thumbnail/"


class Attachments(Endpoint):
    """Pictures for questions."""

    scope = "chat"
    tag = "attachments"
    waits = True  # for its turn to be decoded
    parser_classes = (MultiPartParser,)

    @extend_schema(request={"multipart/form-data": AttachmentInput}, responses={201: AttachmentOutput})
    @idempotent_slowly
    def post(self, request: Request) -> Response:
        """Send a picture. One that no question names is deleted after a day."""
        file = given(AttachmentInput, request)["file"]
        attachments.size_check(file.size)
        row = attachments.attachment_create(user=caller(request), name=file.name or "", data=file.read())
        return Response(AttachmentOutput(row).data, status=status.HTTP_201_CREATED)


class OneAttachment(Endpoint):
    """One picture."""

    scope = "chat"
    tag = "attachments"

    @extend_schema(responses=AttachmentOutput)
    def get(self, request: Request, attachment_id: UUID) -> Response:
        """What is known of a picture."""
        row = attachments.attachment_get(user=caller(request), attachment_id=attachment_id)
        return Response(AttachmentOutput(row).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, attachment_id: UUID) -> Response:
        """Take back a picture that no question has named."""
        attachments.attachment_remove(user=caller(request), attachment_id=attachment_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AttachmentFile(Endpoint):
    """A picture's bytes."""

    scope = "chat"
    tag = "attachments"
    form: attachments.Form = "file"

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, attachment_id: UUID) -> HttpResponse:
        """The picture itself, to be kept as long as one likes: it never changes."""
        row = attachments.attachment_get(user=caller(request), attachment_id=attachment_id)
        return file_response(request._request, row.file if self.form == "file" else row.thumbnail)


class AttachmentThumbnail(AttachmentFile):
    """A small form of a picture, as WebP."""

    form: attachments.Form = "thumbnail"
