"""Inside a confined process: eSpeak NG, from the library and the voices in the wheel `espeakng-loader`.

The library keeps its state in globals and is called through ctypes, so it has a process of its own.
Signatures and numbers are those of `espeak-ng/speak_lib.h`.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import espeakng_loader

from apps.core.errors import Invalid

SYNCHRONOUS, DONT_EXIT = 2, 0x8000
UTF8, END_PAUSE = 1, 0x1000
SPEED, PITCH = 1, 3
WORDS_PER_MINUTE = 160  # at speed 1
LOWEST, HIGHEST = 80, 450

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Voice(ctypes.Structure):
    """`espeak_VOICE`."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


class Mouth:
    """The library, ready to speak."""

    def __init__(self) -> None:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(Voice))
        self.rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DONT_EXIT)
        if self.rate <= 0:
            raise Invalid("eSpeak NG could not be started.", code="engine_broken")
        self.library = library
        self.parts: list[bytes] = []
        self.callback = Callback(self.take)  # kept, or it would be collected while the library calls it
        library.espeak_SetSynthCallback(self.callback)

    def take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self.parts.append(ctypes.string_at(samples, count * 2))
        return 0

    def voices(self) -> list[tuple[str, str]]:
        listed, found, number = self.library.espeak_ListVoices(None), [], 0
        while listed[number]:
            voice = listed[number].contents
            found.append((voice.languages[1:].decode(), voice.name.decode("utf-8", "replace")))
            number += 1
        return found

    def say(self, text: str, voice: str, speed: float, pitch: int) -> bytes:
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise Invalid("There is no such voice.", code="no_such_voice", hint="The list of voices names them all.")
        words = min(HIGHEST, max(LOWEST, round(WORDS_PER_MINUTE * speed)))
        self.library.espeak_SetParameter(SPEED, words, 0)
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        self.parts = []
        encoded = text.encode("utf-8", "replace")
        self.library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, UTF8 | END_PAUSE, None, None)
        return b"".join(self.parts)


@cache
def mouth() -> Mouth:
    return Mouth()


def voices() -> list[tuple[str, str]]:
    """Every voice: its name (a language, such as en-gb) and what people call it."""
    return mouth().voices()


def say(text: str, voice: str, speed: float, pitch: int) -> tuple[bytes, int]:
    """Samples of the text and their rate. Raises `Invalid` for a voice there is not."""
    return mouth().say(text, voice, speed, pitch), mouth().rate
