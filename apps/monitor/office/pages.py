"""Which pages there are, where, for whom; opened when Django looks for admins."""

from __future__ import annotations

from apps.core.office.site import Page, office
from apps.monitor.office import board, cache, providers, sessions

SEE_SESSIONS, SEE_CACHE, SEE_PROVIDERS = "core.see_sessions", "core.see_cache", "core.see_providers"
PAGES = (
    Page("sessions", "sessions/", sessions.page, SEE_SESSIONS, "Live sessions", "Now"),
    Page("session-close", "sessions/close/", sessions.close, "core.close_sessions"),
    Page("providers", "providers/", providers.page, SEE_PROVIDERS, "Providers", "Now"),
    Page("provider-drain", "providers/drain/", providers.drain, "core.drain_providers"),
    Page("provider-undrain", "providers/undrain/", providers.undrain, "core.drain_providers"),
    Page("cache", "cache/", cache.page, SEE_CACHE, "Remembered answers", "Now"),
    Page("cache-clear", "cache/clear/", cache.clear, "core.clear_cache"),
)


def open_all() -> None:
    """Put them into the site."""
    office().add(*PAGES)
    office().board = board.tiles
