"""Pictures beside questions: kept for their owner, put into one chat, shown to models that see."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image as Picture

from apps.accounts.models import User
from apps.chat import attachments, conversation_services, services, turns
from apps.chat.frames import Ask, Edit
from apps.chat.models import Attachment, Conversation, Message
from apps.core import confined, stored
from apps.core.database import in_database
from apps.core.errors import Busy, Invalid, NotFound
from apps.llm.providers.base import ModelInfo
from apps.llm.providers.scripted import Scripted
from apps.llm.router import Router, use
from apps.llm.settings import LlmSettings
from tests.chat.cast import HERE, begun, end_of, outcome, request, told

pytestmark = pytest.mark.django_db(transaction=True)


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (8, 6), colour).save(out, "PNG")
    return out.getvalue()


def kept(user: User, name: str = "cat.png") -> Attachment:
    return attachments.attachment_create(user=user, name=name, data=png())


def exists(name: str) -> bool:
    try:
        stored.open_file(name).close()
    except FileNotFoundError:
        return False
    return True


def ask_with(conversation: Conversation, pictures: Sequence[Attachment]) -> services.Begun:
    ids = [row.id for row in pictures]
    return services.turn_ask(request=request(conversation), text="What is this?", attachment_ids=ids)


async def seen_by(model: Scripted, info: ModelInfo) -> None:
    """Let the model be known for what it can do."""

    async def models() -> list[ModelInfo]:
        return [info]

    model.models = models  # type: ignore[method-assign]
    router = Router(LlmSettings(ai_model="scripted", kinds=("scripted",)), {"scripted": [model]})
    use(router)
    await router.models()


def upload(client: Client, data: bytes, name: str = "cat.png") -> Any:
    return client.post("/api/attachments/", {"file": SimpleUploadedFile(name, data)})


def test_a_picture_is_sent_and_looked_at(visitor: Client) -> None:
    sent = upload(visitor, png())
    assert sent.status_code == 201
    assert (sent.json()["width"], sent.json()["height"], sent.json()["name"]) == (8, 6, "cat.png")
    whole = visitor.get(sent.json()["url"])
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "image/jpeg")
    assert "immutable" in whole.headers["Cache-Control"]
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert visitor.get(sent.json()["thumbnail_url"]).headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("data", [b"no picture", b"", b"<svg/>"])
def test_what_is_no_picture_is_refused_and_leaves_nothing(visitor: Client, data: bytes) -> None:
    refused = upload(visitor, data)
    assert 400 <= refused.status_code < 500
    assert refused.json()["message"]
    assert not Attachment.objects.exists()


def test_a_picture_may_not_be_too_large(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES", 10)
    refused = upload(visitor, png())
    assert (refused.status_code, refused.json()["code"]) == (400, "picture_too_large")


def test_not_too_many_pictures_wait_to_be_sent(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_UNSENT", 1)
    kept(alice)
    with pytest.raises(Busy):
        kept(alice)


def test_only_a_few_pictures_are_decoded_at_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_decoders", threading.BoundedSemaphore(1))
    monkeypatch.setattr(attachments, "TURN_SECONDS", 0.01)
    with attachments._decoders, pytest.raises(Busy):
        kept(alice)
    with pytest.raises(confined.Failed):
        attachments.attachment_create(user=alice, name="", data=b"no picture")
    assert kept(alice).width == 8


def test_a_picture_that_was_not_sent_can_be_taken_back(visitor: Client, alice: User) -> None:
    row = kept(alice)
    assert visitor.delete(f"/api/attachments/{row.id}/").status_code == 204
    assert not exists(row.file)
    assert not exists(row.thumbnail)


def test_a_picture_in_a_chat_stays_there(alice: User, conversation: Conversation) -> None:
    row = kept(alice)
    ask_with(conversation, [row])
    with pytest.raises(Invalid):
        attachments.attachment_remove(user=alice, attachment_id=row.id)


def test_a_question_keeps_its_pictures_in_their_order(alice: User, conversation: Conversation) -> None:
    rows = [kept(alice), kept(alice)]
    saved = Message.objects.get(id=ask_with(conversation, rows[::-1]).turn.question_id)
    assert saved.attachment_ids == [rows[1].id, rows[0].id]
    assert set(Attachment.objects.values_list("conversation", flat=True)) == {conversation.id}


def test_a_picture_of_another_cannot_be_asked_about(alice: User, bob: User, conversation: Conversation) -> None:
    with pytest.raises(NotFound):
        ask_with(conversation, [kept(alice), kept(bob)])
    assert not Message.objects.exists()


def test_a_picture_belongs_to_one_chat(alice: User, conversation: Conversation) -> None:
    row = kept(alice)
    ask_with(conversation, [row])
    ask_with(conversation, [row])
    with pytest.raises(NotFound):
        ask_with(conversation_services.conversation_create(user=alice), [row])


def test_pictures_of_a_deleted_chat_are_hidden(alice: User, conversation: Conversation) -> None:
    row = kept(alice)
    ask_with(conversation, [row])
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    with pytest.raises(NotFound):
        attachments.attachment_get(user=alice, attachment_id=row.id)


def test_the_files_go_with_the_chat(alice: User, conversation: Conversation) -> None:
    row = kept(alice)
    ask_with(conversation, [row])
    conversation_services.conversation_delete(user=alice, conversation_id=conversation.id)
    conversation_services.conversations_purge(now=timezone.now() + timedelta(hours=25))
    assert not Attachment.objects.exists()
    assert not exists(row.file)


def test_what_nobody_sent_is_deleted_after_a_day(alice: User, conversation: Conversation) -> None:
    old, sent = kept(alice), kept(alice)
    ask_with(conversation, [sent])
    assert attachments.attachments_purge(now=timezone.now() + timedelta(hours=23)) == 0
    assert attachments.attachments_purge(now=timezone.now() + timedelta(hours=25)) == 1
    assert not exists(old.file)
    assert exists(sent.file)


def test_the_pictures_go_with_the_account(alice: User, bob: User) -> None:
    gone, stays = kept(alice), kept(bob)
    alice.delete()
    assert attachments.strangers_forget() >= 2
    assert not exists(gone.file)
    assert exists(stays.file)
    assert attachments.strangers_forget() == 0


def test_a_name_is_shown_without_tricks() -> None:
    assert attachments.shown_name("../../etc/cat\u202egnp.exe") == "catgnp.exe"
    assert attachments.shown_name("C:\\Users\\ann\\cat.png") == "cat.png"
    assert len(attachments.shown_name("x" * 500)) == 120


def test_without_room_on_the_disk_nothing_is_left(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, content: bytes) -> None:
        raise stored.StorageFull("There is no room left for files.")

    monkeypatch.setattr(stored, "save", full)
    with pytest.raises(stored.StorageFull):
        kept(alice)
    assert not Attachment.objects.exists()


async def test_a_model_that_sees_gets_the_picture(alice: User, conversation: Conversation, model: Scripted) -> None:
    await seen_by(model, ModelInfo("eyes", abilities=frozenset({"completion", "vision"})))
    row = await in_database(kept, alice)
    frame = Ask(id=uuid.uuid4(), text="What is this?", attachments=(row.id,))
    begun = await turns.start(user=alice, conversation_id=conversation.id, frame=frame)
    await told(conversation, begun.turn_id)
    (image,) = model.calls[0].messages[-1].images
    assert image.media_type == "image/jpeg"
    assert Picture.open(io.BytesIO(image.data)).size == (8, 6)


async def test_later_questions_and_changed_ones_show_it_again(
    alice: User, conversation: Conversation, model: Scripted
) -> None:
    row = await in_database(kept, alice)
    frame = Ask(id=uuid.uuid4(), text="What is this?", attachments=(row.id,))
    first = await turns.start(user=alice, conversation_id=conversation.id, frame=frame)
    await told(conversation, first.turn_id)
    follow = Ask(id=uuid.uuid4(), text="And its colour?")
    await told(conversation, (await turns.start(user=alice, conversation_id=conversation.id, frame=follow)).turn_id)
    assert [len(message.images) for message in model.calls[1].messages] == [1, 0, 0]
    edit = Edit(message=first.question_id, text="What colour is this?")
    await told(conversation, (await turns.start(user=alice, conversation_id=conversation.id, frame=edit)).turn_id)
    assert len(model.calls[2].messages[0].images) == 1


async def test_a_model_that_cannot_see_says_so(alice: User, conversation: Conversation, model: Scripted) -> None:
    await seen_by(model, ModelInfo("blind", abilities=frozenset({"completion"})))
    row = await in_database(kept, alice)
    frame = Ask(id=uuid.uuid4(), text="What is this?", attachments=(row.id,))
    begun = await turns.start(user=alice, conversation_id=conversation.id, frame=frame)
    end = end_of(await told(conversation, begun.turn_id))
    assert end.error is not None
    assert end.error["code"] == "model_cannot_see"
    assert "blind cannot see pictures" in end.error["message"]
    assert not model.calls


async def test_a_model_that_cannot_see_still_answers_later_questions(
    alice: User, conversation: Conversation, model: Scripted
) -> None:
    await seen_by(model, ModelInfo("blind", abilities=frozenset({"completion"})))

    def before() -> None:
        turn = ask_with(conversation, [kept(alice)]).turn
        services.turn_finish(turn_id=turn.id, owner=HERE, outcome=outcome())

    await in_database(before)
    frame = Ask(id=uuid.uuid4(), text="Never mind. What is two and two?")
    begun = await turns.start(user=alice, conversation_id=conversation.id, frame=frame)
    assert end_of(await told(conversation, begun.turn_id)).error is None
    assert not any(message.images for message in model.calls[0].messages)


async def test_a_lost_file_does_not_lose_the_answer(alice: User, conversation: Conversation, model: Scripted) -> None:
    row = await in_database(kept, alice)
    stored.delete([row.file])
    frame = Ask(id=uuid.uuid4(), text="What is this?", attachments=(row.id,))
    begun = await turns.start(user=alice, conversation_id=conversation.id, frame=frame)
    assert end_of(await told(conversation, begun.turn_id)).error is None
    assert model.calls[0].messages[-1].images == ()


def test_the_page_shows_the_pictures_of_a_question(visitor: Client, alice: User, conversation: Conversation) -> None:
    row = kept(alice)
    ask_with(conversation, [row])
    html = visitor.get(f"/c/{conversation.id}/").content.decode()
    assert f"/api/attachments/{row.id}/thumbnail/" in html
    assert f"/api/attachments/{row.id}/file/" in html


def test_a_question_without_pictures_asks_for_none(conversation: Conversation) -> None:
    assert begun(conversation).turn.question.attachment_ids == []
