"""The wall between drivers and us: HTTP answers and exceptions of aiohttp become errors of `apps.llm.errors`."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from apps.llm.errors import (
    ContextExceeded,
    Garbled,
    Loading,
    ModelMissing,
    Overloaded,
    ProviderError,
    Refused,
    Rejected,
    TimedOut,
    Unreachable,
)

EXCERPT = 300
CONTEXT = re.compile(r"exceed_context_size|context[_ ](length|size|window)|maximum context|prompt is too long", re.I)
LOADING = re.compile(r"loading model|model is (still )?(being )?load", re.I)
MODEL = re.compile(r"model", re.I)
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
RETRY_AFTER_LIMIT = 3600.0
OWN_FAULT = frozenset({400, 405, 413, 415, 422})  # of the request, whoever sends it
KEY_HINT = "Check OPENAI_API_KEY; the model server does not accept the key it was given."
ADDRESS_HINT = "The address is probably wrong: for most servers it ends in /v1."


def excerpt(text: str) -> str:
    """A server's own words, short enough and clean enough to be shown and logged."""
    clean = UNPRINTABLE.sub(" ", text).strip()
    return clean if len(clean) <= EXCERPT else clean[:EXCERPT] + "…"


def failure_of_status(status: int, raw: bytes, headers: Mapping[str, str], where: str) -> ProviderError:
    """The error that an answer with a status of 300 or more stands for."""
    code, message = _told(raw)
    said = f"The {where} answered with error {status}" + (f": {message.rstrip('.')}." if message else ".")
    if status < 400:
        return Garbled(f"The {where} sends us to another address.", hint=ADDRESS_HINT)
    if status in {401, 403}:
        return Refused(said, hint=KEY_HINT)
    if status == 404:
        found = MODEL.search(f"{code} {message}")
        return ModelMissing(said) if found else Garbled(said, hint=ADDRESS_HINT)
    if status == 429 and "quota" not in code:
        return Overloaded(said, retry_after=_retry_after(headers))
    if status == 503:
        loading = LOADING.search(message)
        return Loading(said) if loading else Overloaded(said, retry_after=_retry_after(headers))
    if status >= 500:
        return ProviderError(said)
    return _refusal(status, code, message, said)


def failure_in_stream(error: object, where: str) -> ProviderError:
    """The error that an `error` object inside of an answer stands for."""
    code, message = _words(error)
    said = f"The {where} broke off with an error" + (f": {message.rstrip('.')}." if message else ".")
    status = error.get("code") if isinstance(error, dict) else None
    if CONTEXT.search(f"{code} {message}"):
        return ContextExceeded(said)
    if isinstance(status, int) and 400 <= status < 500 and status != 429:
        return Refused(said) if status in {401, 403} else Rejected(said)
    return ProviderError(said)


def failure_of_exception(error: Exception, where: str) -> ProviderError:
    """The error that an exception of aiohttp, asyncio or the operating system stands for."""
    if isinstance(error, (aiohttp.ConnectionTimeoutError, aiohttp.ServerTimeoutError, TimeoutError)):
        return TimedOut(f"The {where} did not answer in time.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(f"The name of the {where} could not be found.")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return Unreachable(f"No secure connection to the {where}: {excerpt(str(error))}", hint=TLS_HINT)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = os.strerror(error.errno) if error.errno else excerpt(str(error))
        return Unreachable(f"No connection to the {where}: {reason}.")
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return Unreachable(f"The connection to the {where} broke in the middle.")
    if isinstance(error, aiohttp.InvalidURL):
        return Unreachable(f"The address of the {where} is not a web address.")
    if isinstance(error, aiohttp.ClientResponseError):
        return Garbled(f"The {where} does not speak HTTP: {excerpt(error.message)}")
    return Unreachable(f"The connection to the {where} broke: {excerpt(str(error)) or type(error).__name__}.")


TLS_HINT = "Check the certificate of the model server, and whether its address should begin with http:// instead."
TRANSPORT_ERRORS = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ssl.SSLError)


def _refusal(status: int, code: str, message: str, said: str) -> ProviderError:
    if CONTEXT.search(f"{code} {message}"):
        return ContextExceeded(said)
    if code == "model_not_found" or re.search(r"model\b.*\b(not found|not exist|unknown)", message, re.I):
        return ModelMissing(said)
    return Rejected(said) if status in OWN_FAULT else Refused(said)


def _told(raw: bytes) -> tuple[str, str]:
    """Code and message in a server's JSON, in any of the shapes seen in the wild; empty where it is not JSON."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    return _words(body.get("error") or body.get("detail") or body)


def _words(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", excerpt(str(error))
    kinds = f"{_text(error, 'code')} {_text(error, 'type')}".strip()
    return kinds, excerpt(_text(error, "message") or _text(error, "msg"))


def _text(error: dict[str, Any], key: str) -> str:
    value = error.get(key)
    return value if isinstance(value, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; its form with a date is not used by model servers."""
    raw = headers.get("Retry-After", "")
    return min(float(raw), RETRY_AFTER_LIMIT) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", raw) else None
