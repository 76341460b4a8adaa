"""The doors of the monitor: figures for programs, charts for people."""

from __future__ import annotations

import ipaddress
from typing import Any

from csp.decorators import csp
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.authentication import KeyAllows
from apps.monitor import alerting, benches, prometheus, readings, report, selectors, series
from apps.monitor import performance as charts_of

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def comes_from_this_machine(request: HttpRequest) -> bool:
    """Whether the caller itself is on this machine, and not only the proxy that passes it on."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback) and not any(name in request.META for name in FORWARDED)


class AsAsked(BaseContentNegotiation):
    """The view itself looks at what was asked for: REST framework knows no text."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class MayMeasure(BasePermission):
    """Programs on this machine, administrators, and keys of administrators with the scope admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if comes_from_this_machine(request._request) and request.auth is None:
            return True
        user = request.user
        return bool(user.is_authenticated and user.is_staff and KeyAllows().has_permission(request, view))


@method_decorator([login_not_required, never_cache], name="dispatch")
class Metrics(APIView):
    """`/metrics`: JSON, or Prometheus' text where it is asked for."""

    permission_classes = (MayMeasure,)
    content_negotiation_class = AsAsked
    scope = "admin"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """What Nitro has counted and what is true right now; Prometheus' text with `?format=prometheus`."""
        reading = readings.reading()
        messages, jobs = selectors.counts()
        if wants_text(request._request):
            text = prometheus.render(reading, report.facts(reading, messages=messages), jobs)
            return HttpResponse(text, content_type=prometheus.CONTENT_TYPE)
        return JsonResponse(report.as_json(reading, messages=messages, jobs=jobs))


def wants_text(request: HttpRequest) -> bool:
    if request.GET.get("format") == "prometheus":
        return True
    accept = request.headers.get("accept", "")
    return request.GET.get("format") != "json" and ("text/plain" in accept or "openmetrics" in accept)


@require_safe
def performance(request: HttpRequest) -> HttpResponse:
    """How fast Nitro is here and now; its charts alone where the page asks for them again."""
    span = request.GET.get("span", "hour")
    span = span if span in charts_of.SPANS else "hour"
    now, length = timezone.now(), charts_of.SPANS[span]
    reading = readings.reading()
    context = {
        "span": span,
        "charts": charts_of.charts(selectors.samples_since(since=now - length), now=now, span=length),
        "facts": report.facts(reading, messages=selectors.counts()[0]),
        "routes": series.slowest_routes(reading),
        "gain": charts_of.gain(reading),
        "redis": reading.redis,
        "alerts": alerting.raised() if getattr(request.user, "is_staff", False) else [],
        "bench": benches.measured_at() if request.user.is_staff else None,
    }
    name = "monitor/charts.html" if request.headers.get("HX-Request") else "monitor/performance.html"
    return render(request, name, context)


@require_safe
@never_cache
@csp(benches.POLICY)
def bench(request: HttpRequest) -> HttpResponse:
    """The last run of `nitro bench`, for administrators: it says what machine this is."""
    page = benches.page() if request.user.is_staff else None
    if page is None:
        raise Http404
    return HttpResponse(page)
