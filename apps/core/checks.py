"""What Django's system checks look at before Nitro starts, each with a hint and a place to read on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "testserver"})
SHORTEST_KEY = 32
DOCUMENT = "docs/configuration.md"


def see(setting: str) -> str:
    """Where the documentation says more about a setting."""
    return f"See {DOCUMENT}#{setting.lower()}."


def is_public() -> bool:
    """Whether Nitro answers to any name but this machine's own."""
    return any(host not in LOOPBACK for host in settings.ALLOWED_HOSTS)


@register(Tags.security)
def check_debug_mode(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.DEBUG_MODE and is_public():
        yield Error(
            "DEBUG_MODE is on while ALLOWED_HOSTS names a public host: error pages would show settings and code.",
            hint=f"Set DEBUG_MODE=false. {see('DEBUG_MODE')}",
            id="nitro.E001",
        )


@register(Tags.files)
def check_home(**kwargs: Any) -> Iterator[CheckMessage]:
    home = Path(settings.NITRO_HOME)
    if not (home.is_dir() and os.access(home, os.R_OK | os.W_OK | os.X_OK)):
        yield Error(
            f"The data folder NITRO_HOME, {home}, cannot be read and written by this user.",
            hint=f"Make the folder, give it to this user, or choose another. {see('NITRO_HOME')}",
            id="nitro.E002",
        )


@register(Tags.security)
def check_secret_key(**kwargs: Any) -> Iterator[CheckMessage]:
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield Error(
            f"SECRET_KEY has fewer than {SHORTEST_KEY} characters and could be guessed.",
            hint=f"Leave it unset: Nitro then makes one and keeps it in the data folder. {see('SECRET_KEY')}",
            id="nitro.E003",
        )


@register(Tags.security)
def check_every_host(**kwargs: Any) -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS is *: a foreign page could reach Nitro under a name of its own.",
            hint=f"Name the hosts that people type in. {see('ALLOWED_HOSTS')}",
            id="nitro.W001",
        )


@register(Tags.security, deploy=True)
def check_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    if not settings.COOKIES_SECURE:
        yield Warning(
            "COOKIES_SECURE is off: the sign-in cookie would also travel without encryption.",
            hint=f"Set COOKIES_SECURE=true where Nitro is reached by https only. {see('COOKIES_SECURE')}",
            id="nitro.W002",
        )


@register(Tags.security)
def check_private_places(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.FETCH_ALLOWED_PRIVATE:
        places = ", ".join(f"{number}:{port}" for number, port in settings.FETCH_ALLOWED_PRIVATE)
        yield Warning(
            f"Everybody with an account can read pages of your network through Nitro: {places}.",
            hint=f"Unset FETCH_ALLOWED_PRIVATE where that is not meant. {see('FETCH_ALLOWED_PRIVATE')}",
            id="nitro.W004",
        )


@register(Tags.security)
def check_model_servers(**kwargs: Any) -> Iterator[CheckMessage]:
    for setting, message, hint in settings.MODEL_FLAWS:
        yield Warning(message, hint=f"{hint} {see(setting)}", id="nitro.W005")
