"""What can go wrong with a model server, translated at the wall from whatever its driver raised."""

from __future__ import annotations

from apps.core.errors import NitroError


class ProviderError(NitroError):
    """A model server failed. `permanent` says that the same call would fail again; a fallback may still answer."""

    code = "provider_error"
    status = 502
    permanent = False
    hint = "Try again, or choose another model."


class Unreachable(ProviderError):
    """No connection could be made, or it broke."""

    code = "provider_unreachable"
    hint = "Check that the model server runs and that its address in the settings is right."


class TimedOut(ProviderError):
    """It did not answer in time: connecting, the first token, or silence in mid-answer."""

    code = "provider_timeout"
    status = 504
    hint = "The model may still be loading, or the machine is too busy. Try again in a moment."


class Loading(ProviderError):
    """It runs but is still reading its model; the same call works in a moment."""

    code = "provider_loading"
    status = 503
    hint = "The model is still being loaded. Try again in a moment."


class Overloaded(ProviderError):
    """It has more to do than it takes; `retry_after` says in seconds when to come back, where it told so."""

    code = "provider_overloaded"
    status = 503
    hint = "The model server has too much to do. Try again in a moment, or choose another model."


class Resting(ProviderError):
    """It failed so often that it is not even asked for a while; `retry_after` says for how many seconds."""

    code = "provider_resting"
    status = 503
    hint = "Look at the model server's own log, try again in a moment, or choose another model."


class Drained(ProviderError):
    """An administrator lets it take no new questions; nothing is wrong with it."""

    code = "provider_drained"
    status = 503
    hint = "Choose another model, or try again later."


class ModelMissing(ProviderError):
    """The server does not know the model."""

    code = "model_missing"
    status = 404
    permanent = True
    hint = "Choose another model, or install this one on the model server."


class Refused(ProviderError):
    """The server understood and refused: a wrong key, a filter."""

    code = "provider_refused"
    permanent = True
    hint = "The model server says why; change the question, the key or the model."


class Rejected(Refused):
    """What was asked cannot be done by this model whoever asks: a schema that it does not understand, say."""

    code = "question_refused"
    status = 400
    hint = "Change what is asked for, or choose another model."


class ContextExceeded(Refused):
    """The prompt is longer than the model's context window."""

    code = "context_exceeded"
    status = 413
    hint = "Begin a new chat, or shorten the question."


class Garbled(ProviderError):
    """What came back is not what the protocol promises."""

    code = "provider_garbled"
    hint = "The address may belong to another program, or a proxy in between changes the answer."


def of_code(code: str, message: str, *, hint: str = "", retry_after: float | None = None) -> ProviderError:
    """A failure that was told by its code, in a frame or a row: the error it was, as far as we know that code."""
    kinds = {kind.code: kind for kind in _below(ProviderError)}
    return kinds.get(code, ProviderError)(message, code=code, hint=hint, retry_after=retry_after)


def _below(kind: type[ProviderError]) -> list[type[ProviderError]]:
    return [kind, *(found for inner in kind.__subclasses__() for found in _below(inner))]
