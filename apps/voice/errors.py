"""What can go wrong with speech, translated at the wall from whatever an engine raised."""

from __future__ import annotations

from apps.core.errors import Invalid, NitroError


class EngineError(NitroError):
    """An engine failed."""

    code = "engine_failed"
    status = 502
    permanent = False
    hint = "Try again, or choose another engine: docs/voice.md."


class EngineAway(EngineError):
    """No connection could be made, it broke, or nothing came in time."""

    code = "engine_away"
    status = 503
    hint = "Check that the speech server runs and that its address in the settings is right."


class EngineMissing(EngineError):
    """The engine's package or model is not installed."""

    code = "engine_missing"
    status = 501
    permanent = True


class EngineRefused(EngineError):
    """The engine understood and refused: a wrong key, an unknown model or voice."""

    code = "engine_refused"
    permanent = True
    hint = "The speech server says why; check the key, the model and the voice."


class EngineGarbled(EngineError):
    """What came back is not what the protocol promises."""

    code = "engine_garbled"
    hint = "The address may belong to another program, or a proxy in between changes the answer."


class NoSuchVoice(Invalid):
    """The voice is not one of the engine's."""

    code = "no_such_voice"
    hint = "GET /api/voice/voices/ lists them."
