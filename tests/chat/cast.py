"""The chat's cast: Alice's conversation, turns in any state, and ears for what a turn tells."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterable, Sequence

from apps.accounts.models import User
from apps.chat import services, turns
from apps.chat.frames import Ask
from apps.chat.models import Conversation, Turn
from apps.chat.services import Begun, Outcome, Request
from apps.chat.turnlog import Delta, End, Item, Status

HERE = "machine/1/first"  # the owner of turns that no process of these tests runs


def request(conversation: Conversation, *, user: User | None = None, id: uuid.UUID | None = None) -> Request:
    """A request of the conversation's owner, or of somebody else."""
    return Request(
        user_id=(user or conversation.owner).pk, conversation_id=conversation.id, id=id or uuid.uuid4(), owner=HERE
    )


def begun(conversation: Conversation, text: str = "Hello there") -> Begun:
    """A saved question with an answer that nobody writes."""
    return services.turn_ask(request=request(conversation), text=text)


def outcome(text: str = "Good day", *, state: str = Turn.State.DONE, marks: Sequence[int] | None = None) -> Outcome:
    """An end with these words; `marks` default to one delta."""
    reasons = {Turn.State.DONE: "stop", Turn.State.RUNNING: "stop"}
    return Outcome(
        state=state,
        finish_reason=reasons.get(Turn.State(state), state),
        text=text,
        marks=[len(text)] if marks is None else marks,
    )


def answered(conversation: Conversation, text: str = "Hello there", answer: str = "Good day") -> Turn:
    """A question with a finished answer."""
    turn = begun(conversation, text).turn
    services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome(answer))
    turn.refresh_from_db()
    turn.answer.refresh_from_db()
    return turn


async def told(conversation: Conversation, turn_id: uuid.UUID, *, after: int = 0, html: bool = False) -> list[Item]:
    """Everything that a turn tells its owner, to the end."""
    return await heard(
        await turns.attach(
            user=conversation.owner, conversation_id=conversation.id, turn_id=turn_id, after=after, html=html
        )
    )


async def heard(items: AsyncGenerator[Item, None]) -> list[Item]:
    return [item async for item in items]


async def started(conversation: Conversation, text: str = "Hello there") -> turns.Started:
    """A turn that runs in this process."""
    frame = Ask(id=uuid.uuid4(), text=text)
    return await turns.start(user=conversation.owner, conversation_id=conversation.id, frame=frame)


def text_of(items: Iterable[Item]) -> str:
    return "".join(item.text for item in items if isinstance(item, Delta))


def seqs_of(items: Iterable[Item]) -> list[int]:
    return [item.seq for item in items if isinstance(item, Delta | End)]


def states_of(items: Iterable[Item]) -> list[str]:
    return [item.state for item in items if isinstance(item, Status)]


def end_of(items: Sequence[Item]) -> End:
    """The one end, which is the last item."""
    assert [isinstance(item, End) for item in items].count(True) == 1
    assert isinstance(items[-1], End)
    return items[-1]
