"""What a failure looks like to a program: Nitro's own shape for `/api/`, OpenAI's for `/v1/`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, JsonResponse

from apps.core.errors import NitroError

OPENAI_PATH = "/v1/"
PROGRAM_PATHS = ("/api/", OPENAI_PATH)
# What OpenAI's clients know some of our codes by, with the status that belongs to it there.
OPENAI_CODES = {
    "context_exceeded": (400, "context_length_exceeded"),
    "model_missing": (404, "model_not_found"),
    "not_authenticated": (401, "invalid_api_key"),
    "rate_limited": (429, "rate_limit_exceeded"),
    "quota_reached": (429, "insufficient_quota"),
}
OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def is_for_programs(path: str) -> bool:
    """Whether who asks at an address is answered in JSON; `/v1` alone is one of these, too."""
    return f"{path}/".startswith(PROGRAM_PATHS)


def is_openai(path: str) -> bool:
    return f"{path}/".startswith(OPENAI_PATH)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: an HTTP status, a code for programs, a sentence and a hint for people, and details by field."""

    status: int
    code: str
    message: str
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None

    @classmethod
    def of(cls, error: NitroError) -> Failure:
        param = getattr(error, "param", "")
        details = getattr(error, "details", {param: [error.message]} if param else {})
        return cls(error.status, error.code, error.message, error.hint, details, error.retry_after)

    def at(self, path: str) -> Failure:
        """The same with the status and code that OpenAI's clients know it by, where the address is one of theirs."""
        if self.code not in OPENAI_CODES or not is_openai(path):
            return self
        status, code = OPENAI_CODES[self.code]
        return replace(self, status=status, code=code)

    def body(self, path: str) -> dict[str, Any]:
        """The JSON of the failure, in the shape that belongs to the path."""
        if not is_openai(path):
            return {"code": self.code, "message": self.message, "hint": self.hint, "details": dict(self.details)}
        kind = OPENAI_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        message = f"{self.message} {self.hint}".strip()
        parameter = next(iter(self.details), None)
        return {"error": {"message": message, "type": kind, "param": parameter, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Retry-After in whole seconds, always with 429; the way in with 401."""
        found: dict[str, str] = {}
        if self.retry_after is not None or self.status == 429:
            found["Retry-After"] = str(max(1, math.ceil(self.retry_after or 1)))
        if self.status == 401:
            found["WWW-Authenticate"] = 'Bearer realm="nitro"'
        return found

    def response(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(self.body(request.path), status=self.status, headers=self.headers())
