"""What goes into the API of speech and what comes out of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from apps.voice import subtitles
from apps.voice.audio import Heard
from apps.voice.models import Recording
from apps.voice.services import FASTEST, SLOWEST
from apps.voice.speaking import TYPES
from apps.voice.subtitles import FORMATS

TEXT_LIMIT = 20_000
SOUNDS = {(200, kind): OpenApiTypes.BINARY for kind in TYPES.values()}  # the answers of an address that speaks
HEARD = {(200, kind.partition(";")[0]): OpenApiTypes.STR for kind in subtitles.TYPES.values()}  # by `format`
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"


class SpeakInput(serializers.Serializer[Any]):
    """A text, and how to say it; what is left out is as on the voice page."""

    text = serializers.CharField(max_length=TEXT_LIMIT)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(min_value=SLOWEST, max_value=FASTEST, required=False)
    language = serializers.RegexField(LANGUAGE, max_length=16, required=False)
    format = serializers.ChoiceField(choices=list(TYPES), default="wav")


class TranscribeInput(serializers.Serializer[Any]):
    """A recording as the part `file` of a form."""

    file = serializers.FileField(help_text="WAV, MP3, Ogg, Opus, WebM, M4A, AAC or FLAC")
    language = serializers.RegexField(LANGUAGE, max_length=16, required=False)


class WordOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    start = serializers.FloatField()
    end = serializers.FloatField()


class SegmentOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    start = serializers.FloatField(help_text="Seconds from the beginning.")
    end = serializers.FloatField()
    words = WordOutput(many=True)


class TranscriptOutput(serializers.Serializer[Any]):
    """What was said."""

    text = serializers.CharField()
    segments = SegmentOutput(many=True)
    seconds = serializers.FloatField()
    language = serializers.CharField()
    engine = serializers.CharField()


class RecordingOutput(serializers.Serializer[Any]):
    """A recording and its job."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Recording.State.values)
    progress = serializers.FloatField(help_text="From 0 to 1.")
    seconds = serializers.FloatField(allow_null=True)
    language = serializers.CharField()
    engine = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    error = serializers.SerializerMethodField()

    def get_error(self, row: Recording) -> dict[str, str] | None:
        if not row.error_code:
            return None
        return {"code": row.error_code, "message": row.error_message, "hint": row.error_hint}


class FormatInput(serializers.Serializer[Any]):
    """How a transcript is wanted."""

    format = serializers.ChoiceField(choices=FORMATS, default="verbose_json")


class VoiceOutput(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What `voice` takes.")
    title = serializers.CharField(source="label")
    language = serializers.CharField()


class VoicesOutput(serializers.Serializer[Any]):
    """The voices of the configured engine."""

    engine = serializers.CharField()
    voices = VoiceOutput(many=True)


class SpeechInput(serializers.Serializer[Any]):
    """OpenAI's `POST /v1/audio/speech`."""

    model = serializers.CharField(max_length=200, required=False, help_text="Any; the configured engine speaks.")
    input = serializers.CharField(max_length=4096)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(min_value=SLOWEST, max_value=FASTEST, default=1.0)
    response_format = serializers.ChoiceField(choices=list(TYPES), default="mp3")
    instructions = serializers.CharField(required=False, allow_blank=True, help_text="Taken and not used.")
    stream_format = serializers.ChoiceField(choices=["audio"], default="audio")


class TranscriptionOutput(serializers.Serializer[Any]):
    """OpenAI's `json`; `verbose_json` has the language, the duration and the segments besides."""

    text = serializers.CharField(allow_blank=True)


class TranscriptionInput(serializers.Serializer[Any]):
    """OpenAI's `POST /v1/audio/transcriptions`."""

    file = serializers.FileField()
    model = serializers.CharField(max_length=200, required=False, help_text="Any; the configured engine listens.")
    language = serializers.RegexField(LANGUAGE, max_length=16, required=False)
    response_format = serializers.ChoiceField(choices=FORMATS, default="json")
    prompt = serializers.CharField(required=False, allow_blank=True, help_text="Taken and not used.")
    temperature = serializers.FloatField(required=False, help_text="Taken and not used.")


def transcript(heard: Heard) -> dict[str, Any]:
    """A transcript as the API gives it."""
    found: dict[str, Any] = TranscriptOutput(heard).data
    return found
