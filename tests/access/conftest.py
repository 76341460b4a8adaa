"""The model of the chat's tests, for the frames that start an answer."""

from __future__ import annotations

from tests.chat.conftest import model

__all__ = ["model"]
