"""An answer of OpenAI's form that shall stay: it becomes a chat of its own, as if somebody had brought one in."""

from __future__ import annotations

from apps.accounts.models import User
from apps.chat import transfer
from apps.chat.completions.wire import Asked
from apps.chat.conversation_services import SYSTEM_PROMPT_LIMIT
from apps.chat.models import Conversation
from apps.chat.titles import title_from
from apps.llm.messages import Role

SPOKEN = {Role.USER: "user", Role.ASSISTANT: "assistant"}


def completion_keep(*, user: User, asked: Asked, text: str) -> Conversation:
    """Save what was said and answered. Pictures and calls of tools are left out."""
    said = [(SPOKEN[one.role], one.text) for one in asked.messages if one.role in SPOKEN and one.text]
    lines = [*said, ("assistant", text)]
    told = "\n\n".join(one.text for one in asked.messages if one.role is Role.SYSTEM)
    about = {
        "title": title_from(next((words for role, words in said if role == "user"), "")),
        "model": asked.model,
        "system_prompt": told[:SYSTEM_PROMPT_LIMIT],
    }
    messages = [
        {"id": str(place), "parent": str(place - 1) if place else None, "role": role, "text": words}
        for place, (role, words) in enumerate(lines)
    ]
    data = {"format": transfer.FORMAT, "version": transfer.VERSION, "conversation": about, "messages": messages}
    return transfer.conversation_import(user=user, data=data)
