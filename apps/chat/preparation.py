"""What may come between a question and the model: the one seam for a search, and for whatever else there may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from apps.chat.turnlog import Status


class Preparation(Protocol):
    """Puts the question in other words before the model hears it, and sees every word of the answer first."""

    async def question(self, context_window: int, tell: Callable[[Status], None]) -> str:
        """What the model is asked instead. Raises a `NitroError`; is cancelled when the turn is stopped."""

    def shown(self, text: str) -> str:
        """The next words of the answer as people get them; some may be kept back."""

    def rest(self) -> str:
        """The words that were kept back."""

    async def keep(self) -> None:
        """The answer is over and saved, however it ended. Never raises."""
