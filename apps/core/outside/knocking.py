"""Knocks at an address of the settings: whether a server answers there, and what it says to our key."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 4.0
REFUSED = frozenset({401, 403})


class _Stays(urllib.request.HTTPRedirectHandler):
    """Nothing goes to a host that was not configured."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stays, urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` of what was answered, 0 where nobody did; then `problem` says why, as the end of a sentence."""

    status: int = 0
    problem: str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether the key is the problem."""
        return self.status in REFUSED


def knock(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask for an address, some seconds at most. Every answer counts, since not every server has this address."""
    request = urllib.request.Request(url, headers={"User-Agent": "Nitro", **(headers or {})})  # noqa: S310 (settings)
    try:
        with _opener.open(request, timeout=SECONDS) as response:
            return Answer(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return Answer(error.code)
    except urllib.error.URLError as error:
        reason = error.reason
        return Answer(problem=str(getattr(reason, "strerror", None) or reason or "no answer"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(problem=str(error) or type(error).__name__)
