"""What Gemini's refusals and statuses mean, told without its library."""

from __future__ import annotations

import re

import orjson

from apps.llm.errors import ContextExceeded, Garbled, ModelMissing, Overloaded, ProviderError, Refused, Rejected
from apps.llm.providers.failures import excerpt

KEY_HINT = "Check GEMINI_API_KEY; a key is made at https://aistudio.google.com/apikey."
THINKING_HINT = "Models that think count their thoughts too: raise MAX_TOKENS, or choose another model."
RETRY_LIMIT = 3600.0
WRONG_KEY = re.compile(r"API_KEY_INVALID|api key (not valid|expired)", re.I)
TOO_LONG = re.compile(r"input token count|exceeds the maximum number of tokens|token limit", re.I)
BLOCKED = {
    "SAFETY": "its safety filter stopped it",
    "RECITATION": "it came too close to a text of somebody else",
    "LANGUAGE": "it does not know the language",
    "BLOCKLIST": "a word in it is on a list of forbidden words",
    "PROHIBITED_CONTENT": "its content is not allowed there",
    "SPII": "it may contain personal data",
    "IMAGE_SAFETY": "the filter for pictures stopped it",
}


def failure_of_status(status: int, told: str, where: str) -> ProviderError:
    """The error that an answer with a status of 300 or more stands for; `told` is its body."""
    message = _message(told)
    said = f"The {where} answered with error {status}" + (f": {message.rstrip('.')}." if message else ".")
    if status < 400:
        return Garbled(f"The {where} sends us to another address.", hint="Check GEMINI_BASE_URL.")
    if status in {401, 403} or WRONG_KEY.search(told):
        return Refused(said, hint=KEY_HINT)
    if status == 404:
        return ModelMissing(said) if message else Garbled(said, hint="Check GEMINI_BASE_URL.")
    if status in {429, 503}:
        return Overloaded(said, retry_after=_retry_after(told))
    if status >= 500:
        return ProviderError(said)
    if TOO_LONG.search(message):
        return ContextExceeded(said)
    return Rejected(said) if "INVALID_ARGUMENT" in told else Refused(said)


def failure_of_block(where: str, what: str, reason: str) -> Refused:
    """The error that a block reason or a finish reason stands for."""
    why = BLOCKED.get(reason, "it does not say why")
    return Refused(f"The {where} blocked {what}: {why}.", hint="Put the question in other words.")


def _message(told: str) -> str:
    """The sentence in an error's JSON, which is a list of one where an answer was to be streamed."""
    try:
        body = orjson.loads(told)
    except orjson.JSONDecodeError:
        return ""
    body = body[0] if isinstance(body, list) and body else body
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return excerpt(message) if isinstance(message, str) else ""


def _retry_after(told: str) -> float | None:
    """Seconds of a RetryInfo among the error's details."""
    found = re.search(r'"retryDelay":\s*"([0-9]{1,6}(?:\.[0-9]{1,9})?)s"', told)
    return min(float(found[1]), RETRY_LIMIT) if found else None
