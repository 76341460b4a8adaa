"""Work that a process does for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 1.0


async def unceasing(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Do work that never ends by itself; a defect in it is logged under its name, and it begins anew."""
    while True:
        try:
            await work()
        except Exception:  # without it no turn would be safe and no model installed until the next start
            logger.exception("%s stumbled and begins anew", name)
        await asyncio.sleep(AGAIN_SECONDS)
