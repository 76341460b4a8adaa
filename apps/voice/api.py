"""Speech for programs: Nitro's own addresses under /api/voice/."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.bodies import SoundJSONParser
from apps.core.endpoints import Endpoint, asked, given
from apps.core.idempotency import idempotent_slowly
from apps.core.paging import page_of
from apps.core.schema import paged
from apps.voice import clips, registry, selectors, services, shapes, speaking, subtitles, uploads
from apps.voice.clips import Order
from apps.voice.providers.base import Utterance


class VoiceEndpoint(Endpoint):
    scope = "voice"
    tag = "Speech"


def owner(request: Request) -> User:
    return cast(User, request.user)


def sound(order: Order) -> HttpResponseBase:
    """The spoken text: whole, or sentence after sentence while the next one is still being made."""
    parts = order.parts or [order]
    first = clips.clip(parts[0])
    kind = speaking.TYPES[order.kind]
    if len(parts) == 1:
        return HttpResponse(first, content_type=kind)
    return StreamingHttpResponse(clips.streamed(first, parts[1:]), content_type=kind)


class Speak(VoiceEndpoint):
    """Say a text."""

    @extend_schema(request=shapes.SpeakInput, responses=shapes.SOUNDS)
    def post(self, request: Request) -> HttpResponseBase:
        """MP3 and PCM arrive sentence by sentence; WAV and Opus as a whole."""
        wanted = given(shapes.SpeakInput, request)
        taste = selectors.taste_get(user=owner(request))
        utterance = Utterance(
            wanted["text"],
            wanted.get("voice", taste.voice),
            wanted.get("speed", taste.speed),
            wanted.get("language", taste.language),
        )
        return sound(Order(owner(request), utterance, wanted["format"]))


class Voices(VoiceEndpoint):
    """The voices there are."""

    @extend_schema(responses=shapes.VoicesOutput)
    def get(self, request: Request) -> Response:
        speaker = registry.speaker()
        return Response(shapes.VoicesOutput({"engine": speaker.kind, "voices": speaker.voices()}).data)


class Transcribe(VoiceEndpoint):
    """Write down what is said."""

    parser_classes = (MultiPartParser, SoundJSONParser)

    @extend_schema(
        request={"multipart/form-data": shapes.TranscribeInput},
        responses={200: shapes.TranscriptOutput, 202: shapes.RecordingOutput},
    )
    @idempotent_slowly
    def post(self, request: Request) -> Response:
        """Up to a minute is answered at once; longer recordings become a job: 202, then ask for it."""
        wanted = given(shapes.TranscribeInput, request)
        user, content = owner(request), uploads.content_of(wanted["file"])
        language = wanted.get("language") or selectors.taste_get(user=user).language
        heard = uploads.heard_now(content, language=language, longest=uploads.AT_ONCE_SECONDS)
        if heard is not None:
            return Response(shapes.transcript(heard))
        return queued(user, wanted["file"].name, content, language)


def queued(user: User, name: str, content: bytes, language: str) -> Response:
    recording = services.recording_create(
        user=user, name=name or "", content=content, suffix=uploads.suffix_of(content), language=language
    )
    return Response(shapes.RecordingOutput(recording).data, status=status.HTTP_202_ACCEPTED)


class Recordings(VoiceEndpoint):
    """Recordings that are kept with their transcripts."""

    parser_classes = (MultiPartParser, SoundJSONParser)

    @extend_schema(**paged(shapes.RecordingOutput))
    def get(self, request: Request) -> Response:
        return page_of(request, selectors.recording_list(user=owner(request)), shapes.RecordingOutput)

    @extend_schema(request={"multipart/form-data": shapes.TranscribeInput}, responses={202: shapes.RecordingOutput})
    @idempotent_slowly
    def post(self, request: Request) -> Response:
        """Keep a recording and write it down in the background."""
        wanted = given(shapes.TranscribeInput, request)
        content = uploads.content_of(wanted["file"])
        language = wanted.get("language") or selectors.taste_get(user=owner(request)).language
        return queued(owner(request), wanted["file"].name, content, language)


class OneRecording(VoiceEndpoint):
    """One recording and how far its transcript is."""

    @extend_schema(responses=shapes.RecordingOutput)
    def get(self, request: Request, recording_id: UUID) -> Response:
        return Response(
            shapes.RecordingOutput(selectors.recording_get(user=owner(request), recording_id=recording_id)).data
        )

    @extend_schema(responses={204: None})
    def delete(self, request: Request, recording_id: UUID) -> Response:
        """Remove it with its file and transcript."""
        services.recording_delete(user=owner(request), recording_id=recording_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CancelRecording(VoiceEndpoint):
    """Stop a job."""

    @extend_schema(request=None, responses=shapes.RecordingOutput)
    def post(self, request: Request, recording_id: UUID) -> Response:
        """What was heard so far stays."""
        recording = services.recording_cancel(user=owner(request), recording_id=recording_id)
        return Response(shapes.RecordingOutput(recording).data)


class Transcript(VoiceEndpoint):
    """What is said in a recording."""

    @extend_schema(
        parameters=[shapes.FormatInput],
        responses={
            200: OpenApiResponse(shapes.TranscriptOutput, "Or text, SubRip, WebVTT: see `format`."),
            **shapes.HEARD,
        },
    )
    def get(self, request: Request, recording_id: UUID) -> HttpResponseBase:
        kind = asked(shapes.FormatInput, request)["format"]
        heard = selectors.transcript_get(user=owner(request), recording_id=recording_id)
        if kind in subtitles.TYPES:
            return HttpResponse(subtitles.rendered(heard, kind), content_type=subtitles.TYPES[kind])
        return Response(shapes.transcript(heard) if kind == "verbose_json" else {"text": heard.text})
