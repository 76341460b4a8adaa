"""What somebody has used, for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import limits, usage
from apps.accounts.authentication import caller
from apps.chat.api.shapes import UsageOutput
from apps.core.endpoints import Endpoint, asked


class Wished(serializers.Serializer[Any]):
    """How far back."""

    days = serializers.IntegerField(min_value=1, max_value=366, default=30)


class Usage(Endpoint):
    """Messages and tokens by day."""

    scope = "chat"
    tag = "usage"

    @extend_schema(
        responses=UsageOutput, parameters=[OpenApiParameter("days", int, description="How far back; 30 if left out.")]
    )
    def get(self, request: Request) -> Response:
        """What was used in the last days, and how much of the day's allowance there is."""
        user_id, today = caller(request).pk, limits.today()
        since = today - timedelta(days=asked(Wished, request)["days"] - 1)
        found = {
            "today": usage.day_get(user_id=user_id, day=today),
            "days": usage.days_list(user_id=user_id, since=since),
            "quotas": limits.quotas(user_id=user_id),
            "notice": limits.quota_notice(user_id=user_id),
        }
        return Response(UsageOutput(found).data)
