"""What somebody's own server is told of an answer that is done."""

from __future__ import annotations

from uuid import UUID

from apps.accounts import hooks
from apps.accounts.models import HookEvent
from apps.chat import replay
from apps.chat.models import Turn


def answer_announce(*, user_id: int, turn_id: UUID) -> int:
    """Write the messages about an answer, from its rows; returns how many. Whoever calls has checked whose it is."""
    turn = Turn.objects.filter(id=turn_id, conversation__owner=user_id).select_related("answer").first()
    if turn is None:
        return 0
    data = {
        "conversation": str(turn.conversation_id),
        "message": str(turn.answer_id),
        "text": turn.answer.text,
        **replay.done_fields(turn),
    }
    return hooks.announce(user_id=user_id, event=HookEvent.ANSWER, data=data)
