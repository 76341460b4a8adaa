"""How this machine reaches its own page: the address, and whether it answers there."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable


def reachable(host: str) -> str:
    """The address as one types it in a browser on this machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    return f"[{host}]" if ":" in host else host


def probe(url: str, host: str) -> Callable[[], bool]:
    """Asks whether the page answers with 200. The certificate is not looked at: it is our own address."""
    request = urllib.request.Request(url, headers={"Host": host})  # noqa: S310 (our own address)
    context = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323

    def ask() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ask
