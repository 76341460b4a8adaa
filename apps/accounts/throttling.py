"""The limit for questions as one of REST framework's throttles, on the same counter as page and sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import BaseThrottle

from apps.accounts import limits
from apps.core.addresses import request_address

if TYPE_CHECKING:  # the framework imports this file while it loads itself
    from rest_framework.request import Request
    from rest_framework.views import APIView


class QuestionThrottle(BaseThrottle):
    """For views whose every request is one question. Raises what says how long to wait: 429 with Retry-After.

    A view that starts turns with an `address` needs no throttle: `turns.start` counts there.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Always true: a request too many ends with `RateLimited` or `QuotaReached`."""
        if request.user.is_authenticated:
            self.count(request.user.pk, request_address(request))
        return True

    def count(self, user_id: int, address: str) -> None:
        """Count one question; raises where it is one too many."""
        limits.question_admit(user_id=user_id, address=address)
