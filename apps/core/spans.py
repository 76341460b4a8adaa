"""Traces for OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT asks for them: what took how long, never what was said.

Nothing is imported and nothing is measured otherwise. A span has a name, times, and attributes that we put there:
routes, kinds of servers, states, numbers. Texts of errors stay out, since they may quote what somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core import tracing

MISSING = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. Run `nitro extras otel`."
Value = str | int | float | bool


class _Process:
    """What this process exports with; nothing until `start`."""

    provider: Any = None
    tracer: Any = None
    extract: Any = None


def start(release: str) -> bool:
    """Begin to export; False where nobody asked for it."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        raise ImproperlyConfigured(MISSING) from error
    whose = {"service.name": "nitro", "service.version": release, "service.instance.id": settings.NITRO_SLOT}
    _Process.provider = TracerProvider(resource=Resource.create({**whose, "nitro.role": settings.NITRO_ROLE}))
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces", headers=settings.OTEL_EXPORTER_OTLP_HEADERS
    )
    _Process.provider.add_span_processor(BatchSpanProcessor(exporter))
    _Process.tracer = _Process.provider.get_tracer("nitro", release)
    _Process.extract = TraceContextTextMapPropagator().extract
    return True


def is_on() -> bool:
    """Whether anybody looks on."""
    return _Process.tracer is not None


def stop() -> None:
    """Hand over what is left; the process ends."""
    provider, _Process.provider, _Process.tracer = _Process.provider, None, None
    if provider is not None:
        provider.shutdown()


class Span:
    """One thing that takes time, or nothing where nobody looks on."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner

    def set(self, **attributes: Value) -> None:
        """Add what is known by now; double underscores in names stand for dots."""
        if self.inner is not None:
            self.inner.set_attributes(_named(attributes))


def begin(name: str, **attributes: Value) -> Span:
    """A span inside of the one that is current, not current itself: for generators. `end` it."""
    if _Process.tracer is None:
        return Span()
    return Span(_Process.tracer.start_span(name, attributes=_told(attributes)))


def end(span: Span, error: BaseException | None = None) -> None:
    """It is over; of an error its kind is told."""
    if span.inner is not None:
        if error is not None:
            span.inner.set_attribute("error.type", type(error).__name__)
        span.inner.end()


@contextmanager
def current(name: str, carrier: Mapping[str, str] | None = None, **attributes: Value) -> Iterator[Span]:
    """A span around a function; what begins inside of it belongs to it. `carrier`: the headers of who asked."""
    if _Process.tracer is None:
        yield Span()
        return
    from opentelemetry.trace import use_span

    parent = _Process.extract(carrier) if carrier else None
    inner = _Process.tracer.start_span(name, context=parent, attributes=_told(attributes))
    with use_span(inner, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield Span(inner)
        except BaseException as error:  # a cancellation is an end, too; it is told and goes on its way
            inner.set_attribute("error.type", type(error).__name__)
            raise


def _told(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {**_named(attributes), "nitro.request_id": tracing.current()}


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
