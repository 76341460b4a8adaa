"""What can go wrong with an engine, translated at the wall from whatever its driver raised."""

from __future__ import annotations

from apps.core.errors import NitroError


class EngineError(NitroError):
    """An engine failed. `permanent` says that the same order would fail again."""

    code = "engine_error"
    status = 502
    permanent = False
    hint = "Try again; if it happens again, look at the log of the image engine."


class EngineAway(EngineError):
    """No connection could be made, or it broke."""

    code = "engine_unreachable"
    hint = "Check that the image engine runs and that its address in the settings is right."


class EngineSlow(EngineError):
    """It fell silent or took longer than it may."""

    code = "engine_timeout"
    status = 504
    hint = "The engine may be too busy. Try again, with fewer steps or a smaller picture."


class EngineRefused(EngineError):
    """The engine understood and refused: a filter, a wrong key, a setting it does not take."""

    code = "engine_refused"
    status = 422
    permanent = True
    hint = "Change the description or the settings of the engine."


class EngineGarbled(EngineError):
    """What came back is no picture."""

    code = "engine_garbled"
    hint = "The address may belong to another program, or a proxy in between changes the answer."


class EngineMissing(EngineError):
    """The engine is not installed or not configured."""

    code = "engine_missing"
    status = 503
    permanent = True
