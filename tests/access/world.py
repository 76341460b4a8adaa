"""Alice's things, and everybody who comes to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts import hooks
from apps.accounts import services as accounts
from apps.accounts.models import ApiKey, User, Webhook
from apps.chat import conversation_services
from apps.chat.models import Attachment, Conversation, Message, Turn
from apps.core import stored
from apps.core.office.site import PREFIX
from tests import cast
from tests.access.rows import APPS
from tests.access.table import Row


@dataclass(frozen=True)
class World:
    """The names that addresses and frames are filled with."""

    names: dict[str, Any]

    def address(self, row: Row) -> str:
        wanted = {name: row.names.get(name, name) for name in routes()[row.route]}
        return reverse(row.route, kwargs={name: self.names[found] for name, found in wanted.items()})

    def fill(self, values: Any) -> dict[str, Any]:
        return {key: self._filled(value) for key, value in values.items()}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        return value.format(**self.names) if isinstance(value, str) else value


def world() -> World:
    """A chat of Alice with a question, an answer and its turn; a key of hers; a link to sign in."""
    alice = cast.alice()
    conversation = conversation_services.conversation_create(user=alice, title="Alice's secret")
    question = Message.objects.create(conversation=conversation, role=Message.Role.USER, text="canary question")
    answer = Message.objects.create(
        conversation=conversation, role=Message.Role.ASSISTANT, parent=question, position=1, text="canary answer"
    )
    turn = Turn.objects.create(conversation=conversation, question=question, answer=answer, state=Turn.State.DONE)
    conversation.leaf = answer
    conversation.save()
    deleted = conversation_services.conversation_create(user=alice, title="Alice's secret, deleted")
    conversation_services.conversation_delete(user=alice, conversation_id=deleted.pk)
    elsewhere = {name: value for app in APPS for name, value in app.things(alice).items()}
    return World(
        elsewhere
        | {
            "conversation_id": conversation.pk,
            "deleted_id": deleted.pk,
            "attachment_id": picture(alice, conversation).pk,
            "message_id": question.pk,
            "answer_id": answer.pk,
            "turn_id": turn.pk,
            "key_id": accounts.api_key_create(user=alice, name="hers").key.pk,
            "webhook_id": hooks.webhook_create(user=alice, url="https://example.org/canary", events=["answer.done"]).pk,
            "token": accounts.sign_in_link_create(user=alice).split("/")[-2],
        }
    )


def picture(alice: User, conversation: Conversation) -> Attachment:
    """A picture that Alice has put into her chat."""
    place = f"attachments/{alice.pk}/canary"
    row = Attachment(owner=alice, conversation=conversation, media_type="image/png", width=1, height=1, size=6)
    row.file, row.thumbnail = f"{place}.png", f"{place}.webp"
    for name in (row.file, row.thumbnail):
        stored.save(name, b"canary")
    row.save()
    return row


def belongings() -> list[Any]:
    """All that Alice has, to see whether somebody has changed it."""
    chats = Conversation.objects.filter(owner__username="alice").values_list("pk", "title", "deleted_at", "leaf")
    messages = Message.objects.filter(conversation__owner__username="alice").values_list("pk", "text", "parent")
    turns = Turn.objects.filter(conversation__owner__username="alice").values_list("pk", "state", "stop_requested")
    pictures = Attachment.objects.filter(owner__username="alice").values_list("pk", "conversation")
    keys = ApiKey.objects.filter(user__username="alice", name="hers").values_list("pk", "revoked")
    called = Webhook.objects.filter(user__username="alice").values_list("pk", "url")
    elsewhere = [rows for app in APPS for rows in app.kept()]
    return [sorted(rows, key=str) for rows in (chats, messages, turns, pictures, keys, called, *elsewhere)]


def browser(person: str, row: Row) -> Client:
    """Somebody of PEOPLE, as they come to an address."""
    client = Client()
    if person == "key":
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {cast.key_of(cast.alice(), *cast.every_scope_but(row.scope))}"
        return client
    user = {"owner": cast.alice, "inactive": cast.alice, "other": cast.bob, "admin": cast.admin}.get(person)
    if user is not None:
        client.force_login(user())
    if person == "inactive":
        User.objects.filter(pk=cast.alice().pk).update(is_active=False)
    return client


def routes() -> dict[str, list[str]]:
    """The name of every address of the site, Django's own of the admin excepted, and the parameters it takes."""
    return dict(walk(get_resolver().url_patterns, ""))


def walk(patterns: Any, space: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += walk(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern) and not (space == "admin:" and not is_ours(pattern)):
            found.append((f"{space}{pattern.name or pattern.pattern}", list(pattern.pattern.converters)))
    return found


def is_ours(pattern: URLPattern) -> bool:
    """Whether a page of the admin is one of Nitro's own; Django's are looked at together."""
    return str(pattern.name).startswith(PREFIX)
