"""Questions over the API, for browsers and for the documentation. Programs with a key are answered in `rooms.py`."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat import asking, batches
from apps.chat.admission import ChatThrottle, question_count
from apps.chat.api.shapes import ReplyUsage, Timing
from apps.chat.api.streams import EVENTS, STREAMED, event_stream
from apps.chat.frames import OPTION_RANGES, TEXT_LIMIT
from apps.core.addresses import request_address
from apps.core.database import in_database
from apps.core.endpoints import Endpoint, waited
from apps.core.idempotency import key_of
from apps.core.schema import AGAIN


class QuestionInput(serializers.Serializer[Any]):
    """A question, in a chat or at the beginning of a new one."""

    message = serializers.CharField(max_length=TEXT_LIMIT)
    conversation = serializers.UUIDField(required=False, allow_null=True, help_text="Left out: a new chat.")
    model = serializers.CharField(max_length=200, required=False, allow_blank=True)
    options = serializers.DictField(
        child=serializers.FloatField(), required=False, help_text="Any of: " + ", ".join(OPTION_RANGES) + "."
    )
    cache = serializers.BooleanField(required=False, help_text="False: ask the model even where the answer is kept.")
    search = serializers.BooleanField(required=False, help_text="Read the web first, and answer from what it says.")
    attachments = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=8,
        required=False,
        help_text="Ids from /api/attachments/.",
    )
    stream = serializers.BooleanField(required=False, help_text="Send the frames of the websocket as they come.")


class ReplyOutput(serializers.Serializer[Any]):
    """An answer."""

    conversation = serializers.UUIDField()
    message = serializers.UUIDField(help_text="The answer's id.")
    text = serializers.CharField(allow_blank=True)
    finish_reason = serializers.ChoiceField(choices=["stop", "length", "stopped", "interrupted"])
    usage = ReplyUsage()
    timing = Timing()
    cached = serializers.BooleanField()
    provider = serializers.CharField()
    model = serializers.CharField()
    fallback_from = serializers.CharField(required=False, help_text="For whom this provider stood in.")
    fallback_reason = serializers.CharField(required=False, help_text="Why an administrator lets that one rest.")
    dropped_messages = serializers.IntegerField(required=False)


class BatchInput(serializers.Serializer[Any]):
    """Several questions at once, none of them streamed."""

    requests = serializers.ListField(child=QuestionInput(), min_length=1, max_length=batches.MOST)


class BatchResult(serializers.Serializer[Any]):
    """One answer, or why there is none."""

    status = serializers.IntegerField()
    answer = ReplyOutput(required=False)
    error = serializers.DictField(required=False, help_text="As every failure: code, message, hint, details.")


class BatchOutput(serializers.Serializer[Any]):
    """The answers, in the order of the questions."""

    results = BatchResult(many=True)


QUESTION = OpenApiExample("A question", {"message": "Name three kinds of bread."}, request_only=True)
QUESTIONS = OpenApiExample(
    "Two", {"requests": [{"message": "Name a bread."}, {"message": "And a cake."}]}, request_only=True
)


class Chat(Endpoint):
    """Ask a question."""

    scope = "chat"
    tag = "chat"
    throttle_classes = (ChatThrottle,)
    waits = True

    @extend_schema(
        request=QuestionInput,
        responses={200: ReplyOutput, (200, EVENTS): STREAMED},
        parameters=[AGAIN],
        examples=[QUESTION],
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Ask a question and get the answer; with `stream`, the frames of the websocket while it is written."""
        question = asking.question_from(request.data, key_of(request))
        asked = waited(asking.ask, user=caller(request), question=question)
        if question.stream:
            return event_stream(request, asking.pieces(asked))
        return Response(waited(asking.whole, asked))


class Batch(Endpoint):
    """Ask many questions at once."""

    scope = "chat"
    tag = "chat"
    throttle_classes = (ChatThrottle,)
    waits = True

    @extend_schema(request=BatchInput, responses=BatchOutput, parameters=[AGAIN], examples=[QUESTIONS])
    def post(self, request: Request) -> Response:
        """Ask many questions; the answers come together, in their order, each with a status of its own."""
        requests, user, address = batches.requests_from(request.data), caller(request), request_address(request)

        async def admit() -> None:
            await in_database(question_count, user_id=user.pk, address=address)

        return Response(waited(batches.answers, user=user, requests=requests, admit=admit, key=key_of(request)))
