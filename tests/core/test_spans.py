"""Traces for OpenTelemetry over OTLP/HTTP, as a collector receives them: times and kinds, and nobody's words."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pytest_django import Settings

import nitro.celery  # noqa: F401 (its signals begin and end the spans of tasks)
from apps.core import spans
from apps.llm.errors import Garbled
from apps.llm.events import Event, TextDelta
from apps.llm.messages import Call
from apps.llm.router import seen
from apps.monitor.tasks import sing
from tests.nitro.web_process import ROOT
from tests.receiver import Receiver, receiving

EXPORTER = "opentelemetry.exporter"  # of the rest redis-py loads a part by itself where it is installed
SETTINGS = {"DJANGO_SETTINGS_MODULE": "nitro.settings"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(settings: Settings) -> Iterator[Receiver]:
    """A collector on this machine; what it heard is read after `spans.stop()`."""
    with receiving() as made:
        made.status = 200
        settings.OTEL_EXPORTER_OTLP_ENDPOINT = f"http://127.0.0.1:{made.port}"
        settings.OTEL_EXPORTER_OTLP_HEADERS = {"api-key": "123"}
        assert spans.start("0.1.0")
        yield made
        spans.stop()


def received(collector: Receiver) -> list[Span]:
    """All spans that have arrived."""
    spans.stop()
    found = []
    for _, body in collector.heard:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [one for scope in resource.scope_spans for one in scope.spans]
    return found


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


def test_nothing_is_exported_or_loaded_unless_somebody_asks(settings: Settings) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = ""
    assert not spans.start("0.1.0")
    with spans.current("request") as span:
        span.set(anything=1)
    code = "import django, sys; django.setup(); from apps.core import spans; spans.start('1')\n"
    code += f"sys.exit(any(name.startswith('{EXPORTER}') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | SETTINGS)


@pytest.mark.django_db
def test_a_request_is_a_span_of_the_trace_of_its_caller(collector: Receiver) -> None:
    Client().get("/healthz", headers={"traceparent": PARENT, "X-Request-ID": "request-one"})
    (span,) = received(collector)
    assert (span.name, span.trace_id.hex()) == ("request", PARENT.split("-")[1])
    found = attributes(span)
    assert (found["http.route"], found["http.response.status_code"]) == ("healthz", "200")
    assert found["nitro.request_id"] == "request-one"
    assert collector.paths == ["/v1/traces"]
    assert collector.heard[0][0]["api-key"] == "123"


@pytest.mark.django_db
def test_an_address_that_somebody_types_is_not_told(collector: Receiver) -> None:
    Client().get("/canary-address/?q=canary")
    received(collector)
    assert all(b"canary" not in body for _, body in collector.heard)


async def words(*, broken: bool = False) -> AsyncGenerator[Event, None]:
    yield TextDelta("canary")
    if broken:
        raise Garbled("canary in an error")


async def listen(*, broken: bool = False) -> None:
    with spans.current("turn"):
        async with aclosing(seen("openai", Call(model="small", messages=()), words(broken=broken))) as events:
            async for _ in events:
                await asyncio.sleep(0)


def test_a_call_of_a_model_server_belongs_to_its_turn_and_tells_no_words(collector: Receiver) -> None:
    asyncio.run(listen())
    with pytest.raises(Garbled):
        asyncio.run(listen(broken=True))
    call, turn, failed, _ = received(collector)
    assert (call.name, turn.name, call.parent_span_id) == ("provider", "turn", turn.span_id)
    assert attributes(call)["nitro.model"] == "small"
    assert attributes(failed)["error.type"] == "Garbled"
    assert all(b"canary" not in body for _, body in collector.heard)


@pytest.mark.django_db
def test_a_task_is_a_span(collector: Receiver) -> None:
    sing.apply()
    (span,) = received(collector)
    assert (span.name, attributes(span)["nitro.task"]) == ("task", "apps.monitor.tasks.sing")
    assert attributes(span)["nitro.end"] == "success"
