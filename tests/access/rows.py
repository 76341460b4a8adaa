"""All rows of the access matrix."""

from __future__ import annotations

from tests.access import accounts, chat, core, images, llm, monitor, office, search, voice

APPS = (llm, images, voice, search, office)
ROWS = (
    *core.ROWS,
    *accounts.ROWS,
    *chat.ROWS,
    *llm.ROWS,
    *images.ROWS,
    *voice.ROWS,
    *search.ROWS,
    *monitor.ROWS,
    *office.ROWS,
)
