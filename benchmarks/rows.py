"""Makes people, their sign-ins and their conversations in the database of a benchmark: `python -m benchmarks.rows 100`.

Prints one JSON list of `[cookie, conversation id]`. With a second number every conversation gets as many messages.
"""

from __future__ import annotations

import json
import os
import sys
import uuid

import django

ANSWER = """Here is **answer {n}** with `code`, a [link](https://example.org) and

- one
- two

```python
print({n})
```
"""


def people(count: int) -> list[str]:
    """The cookie of each of `count` people; they are made at the first call."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from apps.accounts.models import User
    from apps.accounts.selectors import session_open

    names = [f"bench{number}" for number in range(count)]
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    User.objects.bulk_create(User(username=name) for name in names if name not in known)
    cookies = []
    for user in User.objects.filter(username__in=names).order_by("pk"):
        session = session_open(None)
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={session.session_key}")
    return cookies


def conversations(count: int) -> list[str]:
    """A new, empty conversation for each of the people; the ids in their order."""
    from apps.accounts.models import User
    from apps.chat.models import Conversation

    owners = User.objects.filter(username__startswith="bench").order_by("pk")[:count]
    return [str(row.pk) for row in Conversation.objects.bulk_create(Conversation(owner=owner) for owner in owners)]


def messages(conversation: str, count: int) -> None:
    """Questions and answers, one below the other."""
    from apps.chat.markdown import VERSION, render
    from apps.chat.models import Conversation, Message, Turn

    parent: Message | None = None
    rows: list[Message] = []
    for place in range(count):
        asked = place % 2 == 0
        text = f"Question {place}?" if asked else ANSWER.format(n=place)
        parent = Message(
            id=uuid.uuid4(),
            conversation_id=conversation,
            parent=parent,
            position=place,
            role=Message.Role.USER if asked else Message.Role.ASSISTANT,
            text=text,
            html="" if asked else render(text),
            html_version=0 if asked else VERSION,
        )
        rows.append(parent)
    Message.objects.bulk_create(rows)
    Turn.objects.bulk_create(
        Turn(conversation_id=conversation, question=question, answer=answer, state="done", finish_reason="stop")
        for question, answer in zip(rows[::2], rows[1::2], strict=False)
    )
    Conversation.objects.filter(pk=conversation).update(leaf=parent, title="A long conversation")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    django.setup()
    from django.db import transaction

    count, length = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with transaction.atomic():
        cookies, ids = people(count), conversations(count)
        for conversation in ids if length else ():
            messages(conversation, length)
    print(json.dumps(list(zip(cookies, ids, strict=True))))


if __name__ == "__main__":
    main()
