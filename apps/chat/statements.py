"""The beginning, the checkpoints and the end of turns as one statement each, for the services.

They are what every answer waits for. As objects of Django they take fifteen round trips and two transactions, and a
checkpoint of a hundred turns builds an expression for each; here PostgreSQL does each in one step, atomic by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

import orjson
from psycopg import sql

from apps.chat.models import Message, Turn
from apps.core import prepared


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next question of a conversation belongs. `begun` is the turn that the same request began before."""

    conversation_id: UUID
    title: str
    model: str
    system_prompt: str
    leaf_id: UUID | None
    leaf_position: int | None = None
    begun: UUID | None = None
    options: Mapping[str, float] = field(default_factory=dict)


PLACE = """
SELECT conversation.id, conversation.title, conversation.model,
       concat_ws(E'\n\n', nullif(conversation.system_prompt, ''), nullif(owner.system_prompt, '')),
       conversation.leaf_id, leaf.position, turn.id, conversation.options
FROM chat_conversation conversation
JOIN nitro_user owner ON owner.id = conversation.owner_id AND owner.is_active
LEFT JOIN chat_message leaf ON leaf.id = conversation.leaf_id
LEFT JOIN chat_turn turn ON turn.conversation_id = conversation.id AND turn.request_id = %(request)s
WHERE conversation.id = %(conversation)s AND owner.id = %(user)s AND conversation.deleted_at IS NULL
"""

# The conversation moves on only from where it was seen, so that two questions at once never stand side by side.
MOVED: LiteralString = """
WITH moved AS (
    UPDATE chat_conversation
    SET leaf_id = %(new_leaf)s, title = coalesce(nullif(title, ''), %(title)s), updated_at = %(now)s
    WHERE id = %(conversation)s AND leaf_id IS NOT DISTINCT FROM %(old_leaf)s AND deleted_at IS NULL
    RETURNING id
)"""

# A conversation that begins with its first question is moved as soon as it is made.
MADE: LiteralString = """
WITH moved AS (
    INSERT INTO chat_conversation (id, owner_id, title, model, leaf_id, created_at, updated_at)
    SELECT %(conversation)s, owner.id, %(title)s, %(choice_of_chat)s, %(new_leaf)s, %(now)s, %(now)s
    FROM nitro_user owner WHERE owner.id = %(user)s AND owner.is_active
    RETURNING id
)"""

SPOKEN: LiteralString = """, spoken AS (
    INSERT INTO chat_message (
        conversation_id, id, parent_id, position, role, text, attachment_ids, reasoning, html, html_version, created_at
    )
    SELECT moved.id, new.id, new.parent, new.position, new.role, new.text, new.pictures, new.reasoning, new.html,
           new.version, new.created
    FROM moved, jsonb_to_recordset(%(messages)s::jsonb) AS new(
        id uuid, parent uuid, position integer, role text, text text, pictures uuid[], reasoning text, html text,
        version integer, created timestamptz
    )
)
INSERT INTO chat_turn (
    conversation_id, id, question_id, answer_id, kind, request_id, state, owner, lease_until, choice, base_length,
    created_at, stop_requested, error_code, error_message, error_hint, {columns}
)
SELECT moved.id, %(turn)s, %(question)s, %(answer)s, %(kind)s, %(request)s, %(state)s, %(owner)s, %(lease)s, %(choice)s,
       %(base)s, %(now)s, false, '', '', '', {values}
FROM moved
"""

# What a turn has at first of that which its end brings.
UNANSWERED: Mapping[str, object] = {
    "finish_reason": "",
    "marks": "{}",
    "provider": "",
    "model": "",
    "fallback_from": "",
    "cached": False,
}

TELLING: LiteralString = "RETURNING (SELECT owner.system_prompt FROM nitro_user owner WHERE owner.id = %(user)s)"

BEGIN: LiteralString = MOVED + SPOKEN
BEGIN_FIRST: LiteralString = MADE + SPOKEN + TELLING

# A turn that was taken for dead may end after all, but not once somebody has gone on with its answer.
END = """
WITH ended AS (
    UPDATE chat_turn turn SET {columns}
    WHERE turn.id = %(_turn)s AND turn.owner = %(_owner)s AND turn.state = ANY(%(_states)s) AND NOT EXISTS (
        SELECT 1 FROM chat_turn later WHERE later.answer_id = turn.answer_id AND later.created_at > turn.created_at
    )
    RETURNING answer_id
)
UPDATE chat_message
SET text = %(_text)s, html = %(_html)s, html_version = %(_html_version)s, reasoning = %(_reasoning)s,
    tool_calls = %(_tool_calls)s::jsonb
FROM ended WHERE chat_message.id = ended.answer_id
"""


CHECKPOINT = """
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%(checkpoints)s::jsonb) AS new(turn uuid, text text, marks integer[])
), kept AS (
    UPDATE chat_turn SET marks = new.marks FROM new WHERE chat_turn.id = new.turn AND chat_turn.state = %(running)s
    RETURNING chat_turn.answer_id, new.text
)
UPDATE chat_message SET text = kept.text FROM kept WHERE chat_message.id = kept.answer_id
"""


def place(*, conversation_id: UUID, user_id: int, request_id: UUID) -> Place | None:
    """Where this user's next question belongs; None where there is no such conversation of theirs."""
    with prepared.cursor() as cursor:
        cursor.execute(PLACE, {"conversation": conversation_id, "user": user_id, "request": request_id})
        row = cursor.fetchone()
    if row is None:
        return None
    columns: list[Any] = [*row[:-1], orjson.loads(row[-1])]
    return Place(*columns)


def begin(
    place: Place, turn: Turn, *, new: Sequence[Message], title: str, ended: Mapping[str, Any] = MappingProxyType({})
) -> bool:
    """Save a turn with its new messages, and show the last of them; False where the conversation has moved on.

    `ended` are the columns of a turn that is over as soon as it begins.
    """
    values, columns = _values(turn, new=new, title=title), _columns(ended)
    moves = {"old_leaf": place.leaf_id, "new_leaf": new[-1].id if new else place.leaf_id}
    with prepared.cursor() as cursor:
        cursor.execute(_beginning(BEGIN, tuple(columns)), columns | values | moves)
        return bool(cursor.rowcount)


def begin_first(
    turn: Turn,
    *,
    user_id: int,
    model: str,
    new: Sequence[Message],
    title: str,
    ended: Mapping[str, Any] = MappingProxyType({}),
) -> str | None:
    """Save a new conversation of this user's with its first turn; returns what they want every model to know.

    `ended` is as for `begin`. None where there is no such user. Raises `IntegrityError` where the conversation has been
    begun.
    """
    values, columns = _values(turn, new=new, title=title), _columns(ended)
    first = {"user": user_id, "choice_of_chat": model, "new_leaf": new[-1].id}
    with prepared.cursor() as cursor:
        cursor.execute(_beginning(BEGIN_FIRST, tuple(columns)), columns | values | first)
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _columns(ended: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the columns that an end brings; those without a value are left out, and so are empty."""
    return {name: value for name, value in {**UNANSWERED, **ended}.items() if value is not None}


@cache
def _beginning(statement: LiteralString, columns: tuple[str, ...]) -> str:
    """The beginning that sets these columns: there are three or four sets of them."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(map(sql.Placeholder, columns))
    return sql.SQL(statement).format(columns=names, values=values).as_string()


def _values(turn: Turn, *, new: Sequence[Message], title: str) -> dict[str, Any]:
    return {
        "conversation": turn.conversation_id,
        "title": title,
        "messages": orjson.dumps([_as_json(message) for message in new]).decode(),
        "turn": turn.id,
        "question": turn.question_id,
        "answer": turn.answer_id,
        "kind": turn.kind,
        "request": turn.request_id,
        "state": turn.state,
        "owner": turn.owner,
        "lease": turn.lease_until,
        "choice": turn.choice,
        "base": turn.base_length,
        "now": turn.created_at,
    }


def _as_json(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "parent": message.parent_id,
        "position": message.position,
        "role": str(message.role),
        "text": message.text,
        "pictures": message.attachment_ids,
        "reasoning": message.reasoning,
        "html": message.html,
        "version": message.html_version,
        "created": message.created_at,
    }


def checkpoint(words: Iterable[tuple[UUID, str, Sequence[int]]]) -> None:
    """Save turn by turn the answer's whole text and the marks; those that have ended meanwhile are left alone."""
    rows = [{"turn": turn, "text": text, "marks": marks} for turn, text, marks in words]
    with prepared.cursor() as cursor:
        cursor.execute(CHECKPOINT, {"checkpoints": orjson.dumps(rows).decode(), "running": Turn.State.RUNNING})


def end(
    *, turn_id: UUID, owner: str, states: Sequence[str], columns: Mapping[str, Any], answer: Mapping[str, Any]
) -> bool:
    """Save the end of a turn and its answer; False where it is not this owner's, or in none of these states."""
    values: dict[str, Any] = {"_turn": turn_id, "_owner": owner, "_states": list(states)} | dict(columns)
    with prepared.cursor() as cursor:
        cursor.execute(_ending(tuple(columns)), values | {f"_{name}": value for name, value in answer.items()})
        return bool(cursor.rowcount)


@cache
def _ending(columns: tuple[str, ...]) -> str:
    """The end that sets these columns: there are two or three sets of them."""
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns]
    return sql.SQL(END).format(columns=sql.SQL(", ").join(assignments)).as_string()
