"""Speech for OpenAI's clients: POST /v1/audio/speech and /v1/audio/transcriptions."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.bodies import SoundJSONParser
from apps.core.endpoints import given
from apps.core.errors import Invalid
from apps.voice import selectors, shapes, subtitles, uploads
from apps.voice.api import VoiceEndpoint, owner, sound
from apps.voice.clips import Order
from apps.voice.providers.base import Utterance


class Speech(VoiceEndpoint):
    """Text to speech."""

    @extend_schema(request=shapes.SpeechInput, responses=shapes.SOUNDS)
    def post(self, request: Request) -> HttpResponseBase:
        """OpenAI's names of models and voices are taken for the configured engine's."""
        wanted = given(shapes.SpeechInput, request)
        taste = selectors.taste_get(user=owner(request))
        utterance = Utterance(wanted["input"], wanted.get("voice", taste.voice), wanted["speed"], taste.language)
        return sound(Order(owner(request), utterance, wanted["response_format"]))


class Transcriptions(VoiceEndpoint):
    """Speech to text."""

    parser_classes = (MultiPartParser, SoundJSONParser)

    @extend_schema(
        request={"multipart/form-data": shapes.TranscriptionInput},
        responses={200: shapes.TranscriptionOutput, **shapes.HEARD},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Write down what is said in a recording of at most fifteen minutes."""
        wanted = given(shapes.TranscriptionInput, request)
        language = wanted.get("language") or selectors.taste_get(user=owner(request)).language
        content = uploads.content_of(wanted["file"])
        heard = uploads.heard_now(content, language=language, longest=uploads.WAITED_SECONDS)
        if heard is None:
            error = Invalid(
                f"Recordings of more than {uploads.WAITED_SECONDS / 60:g} minutes are not answered while one waits.",
                code="too_long",
                hint="Send it to /api/voice/recordings/, which makes a job of it.",
            )
            error.status = 413
            raise error
        kind = wanted["response_format"]
        if kind in subtitles.TYPES:
            return HttpResponse(subtitles.rendered(heard, kind), content_type=subtitles.TYPES[kind])
        if kind == "verbose_json":
            return Response(subtitles.verbose(heard, words="word" in granularities(request)))
        return Response({"text": heard.text})


def granularities(request: Request) -> list[str]:
    """OpenAI's clients send this list as a field with brackets in its name."""
    data = request.data
    return data.getlist("timestamp_granularities[]") if hasattr(data, "getlist") else []
