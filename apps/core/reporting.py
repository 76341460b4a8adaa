"""Tells Sentry what broke, where SENTRY_DSN asks for it: where in the code, never what people wrote."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core import logs, tracing

MISSING = "SENTRY_DSN is set, but the package sentry-sdk is not installed. Run `nitro extras sentry`."
KEPT_OF_REQUEST = {"method"}


def start(release: str, **more: Any) -> bool:
    """Begin to report; False where nobody asked for it. `more` goes to the SDK, for tests."""
    if not settings.SENTRY_DSN:
        return False
    try:
        import sentry_sdk
    except ImportError as error:
        raise ImproperlyConfigured(MISSING) from error
    before_send: Any = scrubbed
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"nitro@{release}",
        include_source_context=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        before_send=before_send,
        **more,
    )
    return True


def scrubbed(event: dict[str, Any], hint: object = None) -> dict[str, Any]:
    """An event without anybody's words: no values of exceptions, no address, no cookies, no body."""
    for one in (event.get("exception") or {}).get("values", []):
        one["value"] = ""  # "duplicate key (title)=(My diagnosis)"
    for name in ("logentry", "message", "user", "extra", "breadcrumbs", "server_name"):
        event.pop(name, None)
    request = event.get("request") or {}
    event["request"] = {name: value for name, value in request.items() if name in KEPT_OF_REQUEST}
    transaction = event.get("transaction")
    if isinstance(transaction, str):
        event["transaction"] = logs.without_secrets(transaction)
    event.setdefault("tags", {})["request_id"] = tracing.current()
    return event
