"""Google's speech service through the package SpeechRecognition, `nitro extras google-speech`.

What is said leaves this machine: it is never chosen of itself.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apps.voice.audio import Heard, Pcm, Segment
from apps.voice.errors import EngineAway, EngineMissing
from apps.voice.providers.base import Transcriber
from apps.voice.settings import VoiceSettings

REGIONS = {"en": "en-US", "de": "de-DE", "fr": "fr-FR", "es": "es-ES", "it": "it-IT", "pt": "pt-PT", "nl": "nl-NL"}
SAMPLE_BYTES = 2


class Google(Transcriber):
    """One request for each utterance."""

    kind = "google"
    label = "Google (recordings leave this machine)"

    def __init__(self, package: Any, key: str) -> None:
        self.package = package
        self.key = key
        self.recognizer = package.Recognizer()
        self.recognizer.operation_timeout = 15

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        audio = self.package.AudioData(sound.data, sound.rate, SAMPLE_BYTES)
        region = REGIONS.get(language, language)
        try:
            text = str(self.recognizer.recognize_google(audio, key=self.key or None, language=region))
        except self.package.UnknownValueError:
            text = ""
        except (self.package.RequestError, OSError) as error:
            raise EngineAway("Google's speech service cannot be reached or refused.") from error
        segments = (Segment(0.0, sound.seconds, text),) if text else ()
        return Heard(segments, sound.seconds, language, self.kind)


def transcriber(settings: VoiceSettings) -> Transcriber:
    if find_spec("speech_recognition") is None:
        raise EngineMissing(
            "The package SpeechRecognition is not installed.",
            hint="Install it with `nitro extras google-speech`, then start Nitro again.",
        )
    return Google(import_module("speech_recognition"), settings.stt_api_key)
