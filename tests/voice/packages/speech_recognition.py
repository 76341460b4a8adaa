"""Stands in for the package of this name: the calls that Nitro makes, and the errors it raises."""

from __future__ import annotations


class UnknownValueError(Exception):
    pass


class RequestError(Exception):
    pass


class AudioData:
    def __init__(self, frame_data: bytes, sample_rate: int, sample_width: int) -> None:
        self.said = frame_data.decode("latin-1")


class Recognizer:
    operation_timeout: float | None = None

    def recognize_google(self, audio: AudioData, *, key: str | None, language: str) -> str:
        assert self.operation_timeout
        if audio.said == "mumble":
            raise UnknownValueError
        if audio.said == "away":
            raise RequestError("no connection")
        return f"{audio.said} in {language}"
