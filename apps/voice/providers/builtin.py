"""What Nitro brings along: PocketSphinx, which listens, and eSpeak NG, which speaks. Both small, instant and rough."""

from __future__ import annotations

from functools import cached_property

from apps.core.confined import Failed, Warm
from apps.voice.audio import Heard, Pcm
from apps.voice.errors import EngineError, NoSuchVoice
from apps.voice.providers.base import Speaker, Transcriber, Utterance, Voice
from apps.voice.settings import VoiceSettings

MOUTH_MEMORY_MB = 200
SPEAK_SECONDS = 20.0
PITCH = 50
# OpenAI's own names, so that their clients are heard without a change.
PITCHES = {"alloy": 50, "echo": 38, "fable": 55, "onyx": 25, "nova": 68, "shimmer": 78}
VARIANTS = {"nova": "+f3", "shimmer": "+f4", "fable": "+f2", "onyx": "+m3", "echo": "+m2"}
ENGLISH = {"en": "en-us"}


class Sphinx(Transcriber):
    """PocketSphinx. Its words come from the ear itself, as they are spoken."""

    kind = "builtin"
    label = "PocketSphinx (built in, English, rough)"
    is_in_ear = True

    def transcribe(self, sound: Pcm, *, language: str) -> Heard:
        """Never called: the ear hears the words."""
        raise EngineError("The built-in engine hears words only while it listens.")


class Espeak(Speaker):
    """eSpeak NG, in a process of its own that ends when nobody has anything to say."""

    kind = "builtin"
    label = "eSpeak NG (built in, about 100 languages, robotic)"

    def __init__(self) -> None:
        self.mouth = Warm(memory_mb=MOUTH_MEMORY_MB, idle_seconds=300)

    def speak(self, utterance: Utterance) -> Pcm:
        voice = self._voice(utterance)
        pitch = PITCHES.get(utterance.voice, PITCH)
        try:
            data, rate = self.mouth.run(
                "apps.voice.cells.mouth.say", utterance.text, voice, utterance.speed, pitch, seconds=SPEAK_SECONDS
            )
        except Failed as error:
            if error.code == "no_such_voice":
                raise NoSuchVoice(f"There is no voice {utterance.voice!r}.") from error
            raise
        return Pcm(data, rate)

    def voices(self) -> list[Voice]:
        return self._voices

    @cached_property
    def _voices(self) -> list[Voice]:
        found = self.mouth.run("apps.voice.cells.mouth.voices", seconds=SPEAK_SECONDS)
        return [Voice(name=name, label=label, language=name) for name, label in found]

    def _voice(self, utterance: Utterance) -> str:
        """The library's name of a voice: a language, with a variant for OpenAI's names."""
        if utterance.voice and utterance.voice not in PITCHES:
            return utterance.voice
        language = utterance.language.lower()
        return ENGLISH.get(language, language) + VARIANTS.get(utterance.voice, "")


def transcriber(settings: VoiceSettings) -> Transcriber:
    return Sphinx()


def speaker(settings: VoiceSettings) -> Speaker:
    return Espeak()
