"""Which pictures of a chat its model gets to see, and what is said where it cannot see."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.chat import attachments
from apps.chat.selectors import Line
from apps.llm.errors import ProviderError
from apps.llm.messages import Image
from apps.llm.router import Target, router

MOST_SHOWN = 8  # the newest ones: each costs the model as much as a page of text


class CannotSee(ProviderError):
    """The question has a picture, and the model reads words alone."""

    code = "model_cannot_see"
    status = 400
    permanent = True
    hint = "Choose a model that sees: the list of models marks them. Then try again."


def seen(history: Sequence[Line], target: Target) -> dict[UUID, Image]:
    """The newest pictures of a history whose owner the caller has checked; none for a model that cannot see.

    Raises `CannotSee` where the question itself, the last line, has pictures: an answer would only pretend.
    """
    named = [one for line in history for one in line.pictures][-MOST_SHOWN:]
    if not named:
        return {}
    if not router().sees(target):
        if history[-1].pictures:
            raise CannotSee(f"{target.model or target.provider} cannot see pictures.")
        return {}
    return attachments.images(attachment_ids=named)
