"""An administrator sees counts by default, and contents only after saying why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.chat.models import Conversation, Message
from apps.core.models import AuditEntry
from apps.core.office import contents
from apps.images.models import ImageJob
from apps.search.models import Search
from apps.voice.models import Recording, Segment
from tests import cast
from tests.core.office.conftest import REASON, SCRIPT, Staff

pytestmark = pytest.mark.django_db
RIGHTS = ("chat.view_conversation", "core.see_contents")


def place(chat: Conversation) -> str:
    return f"/admin/chat/conversation/{chat.pk}/contents/"


def test_neither_list_nor_page_of_a_chat_says_a_word_of_it(office: Client, chat: Conversation) -> None:
    for address in ("/admin/chat/conversation/", f"/admin/chat/conversation/{chat.pk}/change/"):
        page = office.get(address).content.decode()
        assert str(chat.pk) in page
        assert "Secret" not in page
        assert "canary" not in page


def test_without_a_reason_nothing_is_shown_and_nothing_is_noted(office: Client, chat: Conversation) -> None:
    for answer in (office.get(place(chat)), office.post(place(chat)), office.post(place(chat), {"reason": "because"})):
        assert answer.status_code == 200
        assert b"canary" not in answer.content
    assert b"Say why in a sentence" in answer.content
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("reason", ["x" * 40, "1 2 3 4 5 6 7 8 9 10 11", "           \n       "])
def test_what_is_no_sentence_is_no_reason(office: Client, chat: Conversation, reason: str) -> None:
    assert b"Say why in a sentence" in office.post(place(chat), {"reason": reason}).content


def test_with_a_reason_the_words_are_shown_as_text_and_the_reason_is_in_the_log(
    office: Client, chat: Conversation
) -> None:
    shown = office.post(place(chat), {"reason": REASON}, follow=True)
    page = shown.content.decode()
    assert "canary &lt;script&gt;" in page
    assert SCRIPT not in page
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("admin", "contents", REASON)
    assert (entry.target, entry.address) == (f"chat.conversation {chat.pk}", "127.0.0.1")
    assert "no-store" in shown.headers["Cache-Control"]


def test_nobody_looks_with_the_reason_of_somebody_else(office: Client, staff: Staff, chat: Conversation) -> None:
    office.post(place(chat), {"reason": REASON})
    number = AuditEntry.objects.get().pk
    assert b"canary" in office.get(f"{place(chat)}?seen={number}").content
    assert b"canary" not in staff(*RIGHTS).get(f"{place(chat)}?seen={number}").content


def test_a_reason_is_for_one_chat(office: Client, chat: Conversation) -> None:
    other = Conversation.objects.create(owner=cast.bob())
    office.post(place(other), {"reason": REASON})
    number = AuditEntry.objects.get().pk
    assert b"canary" not in office.get(f"{place(chat)}?seen={number}").content


@pytest.mark.parametrize("seen", ["", "0", "-1", "x", "9" * 30, "²"])
def test_a_made_up_reason_opens_nothing(office: Client, chat: Conversation, seen: str) -> None:
    assert b"canary" not in office.get(place(chat), {"seen": seen}).content


def test_a_reason_holds_for_a_while_only(office: Client, chat: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    office.post(place(chat), {"reason": REASON})
    monkeypatch.setattr(contents, "HOLDS", timedelta(0))
    assert b"canary" not in office.get(place(chat), {"seen": str(AuditEntry.objects.get().pk)}).content


@pytest.mark.parametrize("rights", [(), ("chat.view_conversation",), ("core.see_contents",)])
def test_whoever_lacks_one_of_the_rights_is_refused(staff: Staff, chat: Conversation, rights: tuple[str, ...]) -> None:
    clerk = staff(*rights)
    assert clerk.get(place(chat)).status_code == 403
    assert clerk.post(place(chat), {"reason": REASON}).status_code == 403
    assert not AuditEntry.objects.exists()


def test_a_form_of_another_site_opens_nothing(chat: Conversation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.admin())
    assert client.post(place(chat), {"reason": REASON}).status_code == 403


def test_a_long_chat_is_leafed_through_without_gap_or_repetition(office: Client, chat: Conversation) -> None:
    Message.objects.bulk_create(
        Message(conversation=chat, role="user", text=f"word-{number:03d}.", position=number) for number in range(1, 120)
    )
    office.post(place(chat), {"reason": REASON})
    seen = {"seen": AuditEntry.objects.get().pk}
    pages = [office.get(place(chat), seen | {"from": start}).content.decode() for start in (0, 50, 100)]
    assert [sum(f"word-{number:03d}." in page for page in pages) for number in range(1, 120)] == [1] * 119


def test_orders_transcripts_and_searches_are_kept_the_same_way(office: Client) -> None:
    alice = cast.alice()
    job = ImageJob.objects.create(
        owner=alice, prompt="canary boat", width=64, height=64, steps=1, guidance=7, seed=1, engine="painter"
    )
    recording = Recording.objects.create(user=alice, name="canary.wav", file="x")
    Segment.objects.create(recording=recording, position=0, start=0, end=1, text="canary speech")
    search = Search.objects.create(owner=alice, query="canary question")
    for kind, row, word in (
        ("images/imagejob", job, "canary boat"),
        ("voice/recording", recording, "canary speech"),
        ("search/search", search, "canary question"),
    ):
        for address in (f"/admin/{kind}/", f"/admin/{kind}/{row.pk}/change/", f"/admin/{kind}/{row.pk}/contents/"):
            assert "canary" not in office.get(address).content.decode(), address
        shown = office.post(f"/admin/{kind}/{row.pk}/contents/", {"reason": REASON}, follow=True)
        assert word in shown.content.decode()
    assert AuditEntry.objects.count() == 3
