"""Bulk actions: in the background, in batches, each row once, whoever's worker is killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey, User
from apps.chat.models import Conversation
from apps.core import draining
from apps.core.errors import NitroError
from apps.core.models import AuditEntry, BulkItem, BulkJob
from apps.core.office import bulk
from apps.images.models import ImageJob
from tests import cast
from tests.core.office.conftest import Staff

pytestmark = pytest.mark.django_db
LIST = "/admin/chat/conversation/"


@pytest.fixture
def chats() -> list[Conversation]:
    return [Conversation.objects.create(owner=cast.alice()) for _ in range(5)]


@pytest.fixture(autouse=True)
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("chats_delete", "chats_restore"):
        kind = bulk._kinds[name]
        monkeypatch.setitem(bulk._kinds, name, bulk.Kind(name, kind.label, kind.apply, at_once=2))


def begin(office: Client, kind: str, rows: Sequence[object], address: str = LIST, **more: str) -> BulkJob:
    keys = [str(getattr(row, "pk", row)) for row in rows]
    office.post(address, {"action": kind, "_selected_action": keys, "confirmed": "yes", "reason": "", **more})
    return BulkJob.objects.latest("created_at")


@pytest.mark.parametrize(("count", "words"), [(1, "1 conversation"), (2, "2 conversations")])
def test_a_question_comes_first(office: Client, chats: list[Conversation], count: int, words: str) -> None:
    chosen = {"action": "chats_delete", "_selected_action": [str(chat.pk) for chat in chats[:count]], "index": "0"}
    page = office.post(LIST, chosen).content.decode()
    assert f"{words}</strong>" in page
    assert str(chats[0].pk) in page
    assert not BulkJob.objects.exists()


def test_chosen_chats_are_deleted_brought_back_and_noted(office: Client, chats: list[Conversation]) -> None:
    job = begin(office, "chats_delete", chats[:3], reason="Alice wished it.")
    assert (job.state, job.total) == ("queued", 3)
    assert Conversation.objects.filter(deleted_at=None).count() == 5
    bulk.work()
    job.refresh_from_db()
    assert (job.state, job.done, job.changed) == ("done", 3, 3)
    assert Conversation.objects.filter(deleted_at=None).count() == 2
    begin(office, "chats_restore", chats)
    bulk.work()
    assert Conversation.objects.filter(deleted_at=None).count() == 5
    told = AuditEntry.objects.filter(target=f"core.bulkjob {job.pk}").order_by("pk")
    assert [entry.action for entry in told] == ["bulk", "bulk_end"]
    assert (told[0].reason, told[0].details["rows"]) == ("Alice wished it.", 3)


def test_all_that_a_search_found_is_meant_and_nothing_else(office: Client, chats: list[Conversation]) -> None:
    bobs = Conversation.objects.create(owner=cast.bob())
    job = begin(office, "chats_delete", chats[:1], LIST + "?q=ali", select_across="1")
    assert job.total == 5
    bulk.work()
    assert list(Conversation.objects.filter(deleted_at=None)) == [bobs]


def test_when_the_worker_is_killed_another_goes_on_and_no_row_is_done_twice(
    office: Client, chats: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    noting = bulk.Kind("chats_delete", "x", lambda job, keys: done.extend(keys) or len(keys), at_once=2)  # type: ignore[func-returns-value]
    monkeypatch.setitem(bulk._kinds, "chats_delete", noting)
    begin(office, "chats_delete", chats)
    killed = bulk.claim("killed")
    assert killed is not None
    assert bulk.batch(killed) == "more"
    assert bulk.claim("other") is None  # the lease is not over
    BulkJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    bulk.work()
    assert bulk.batch(killed) == "lost"
    assert sorted(done) == sorted(str(chat.pk) for chat in chats)
    assert BulkJob.objects.get().done == 5


def test_a_batch_that_breaks_down_leaves_no_trace_and_is_done_again(
    office: Client, chats: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bulk._kinds["chats_delete"].apply

    def dies(job: BulkJob, keys: Sequence[str]) -> int:
        real(job, keys)
        raise KeyboardInterrupt

    begin(office, "chats_delete", chats)
    monkeypatch.setitem(bulk._kinds, "chats_delete", bulk.Kind("chats_delete", "x", dies, at_once=2))
    with pytest.raises(KeyboardInterrupt):
        bulk.work()
    assert Conversation.objects.filter(deleted_at=None).count() == 5
    assert BulkItem.objects.count() == 5


def test_it_can_be_ended(office: Client, chats: list[Conversation]) -> None:
    job = begin(office, "chats_delete", chats)
    running = bulk.claim("me")
    assert running is not None
    bulk.batch(running)
    office.post(f"/admin/core/bulkjob/{job.pk}/cancel/")
    assert bulk.batch(running) == "cancelled"
    job.refresh_from_db()
    assert (job.state, job.done, BulkItem.objects.count()) == ("cancelled", 2, 0)
    assert AuditEntry.objects.filter(action="bulk_cancel").count() == 1


def test_one_that_waits_is_ended_at_once(office: Client, chats: list[Conversation]) -> None:
    job = begin(office, "chats_delete", chats)
    office.post(f"/admin/core/bulkjob/{job.pk}/cancel/")
    job.refresh_from_db()
    assert (job.state, BulkItem.objects.count()) == ("cancelled", 0)


@pytest.mark.parametrize("error", [NitroError("The disk is full."), ValueError("nonsense")])
def test_what_goes_wrong_is_told(
    office: Client, chats: list[Conversation], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(job: BulkJob, keys: Sequence[str]) -> int:
        raise error

    monkeypatch.setitem(bulk._kinds, "chats_delete", bulk.Kind("chats_delete", "x", fails))
    job = begin(office, "chats_delete", chats)
    bulk.work()
    job.refresh_from_db()
    assert job.state == "failed"
    assert ("full" if isinstance(error, NitroError) else "ValueError") in job.problem


def test_a_worker_that_is_about_to_stop_leaves_it_to_the_next(office: Client, chats: list[Conversation]) -> None:
    job = begin(office, "chats_delete", chats)
    claimed = bulk.claim("me")
    assert claimed is not None
    draining.begin()
    try:
        assert not bulk.run(claimed)
    finally:
        draining.reset()
    job.refresh_from_db()
    assert (job.state, job.done) == ("queued", 2)


def test_the_page_of_it_refreshes_itself_until_it_is_over(office: Client, chats: list[Conversation]) -> None:
    job = begin(office, "chats_delete", chats)
    place = f"/admin/core/bulkjob/{job.pk}/progress/"
    assert b'hx-trigger="every 1s"' in office.get(place).content
    bulk.work()
    part = office.get(place, headers={"HX-Request": "true"}).content
    assert b"hx-trigger" not in part
    assert b"<html" not in part
    assert b"5 of 5" in part


def test_nothing_chosen_is_told(office: Client) -> None:
    gone = "11111111-2222-4333-8444-555555555555"
    chosen = {"action": "chats_delete", "_selected_action": [gone], "confirmed": "yes"}
    assert b"nothing to do" in office.post(LIST, chosen, follow=True).content


def test_staff_do_what_their_rights_allow(staff: Staff, chats: list[Conversation]) -> None:
    clerk = staff("chat.view_conversation")
    clerk.post(LIST, {"action": "chats_delete", "_selected_action": [str(chats[0].pk)], "confirmed": "yes"})
    assert not BulkJob.objects.exists()
    assert clerk.post(f"{LIST}let-go/", {"days": "1", "confirmed": "x"}).status_code == 403


def test_old_chats_are_let_go_and_those_in_use_stay(office: Client, chats: list[Conversation]) -> None:
    old = timezone.now() - timedelta(days=40)
    Conversation.objects.filter(pk__in=[chat.pk for chat in chats[:3]]).update(updated_at=old)
    Conversation.objects.filter(pk=chats[0].pk).update(pinned_at=old)
    page = office.post(f"{LIST}let-go/", {"days": "30"}).content.decode()
    assert "2 conversations" in page
    office.post(f"{LIST}let-go/", {"days": "30", "confirmed": "Let go of them"})
    Conversation.objects.filter(pk=chats[1].pk).update(updated_at=timezone.now())  # used since
    bulk.work()
    assert list(Conversation.objects.filter(deleted_at__isnull=False)) == [chats[2]]


def test_keys_are_revoked(office: Client) -> None:
    key = accounts.api_key_create(user=cast.alice(), name="hers").key
    begin(office, "keys_revoke", [key], "/admin/accounts/apikey/")
    bulk.work()
    assert ApiKey.objects.get().revoked is not None


def test_image_jobs_are_cancelled_and_done_ones_stay(office: Client) -> None:
    def job(state: str) -> ImageJob:
        return ImageJob.objects.create(
            owner=cast.alice(), prompt="x", width=64, height=64, steps=1, guidance=7, seed=1, engine="e", state=state
        )

    jobs = [job("queued"), job("running"), job("done")]
    begin(office, "images_cancel", jobs, "/admin/images/imagejob/")
    bulk.work()
    found = [ImageJob.objects.get(pk=one.pk) for one in jobs]
    assert [(one.state, one.cancel_requested) for one in found] == [
        ("cancelled", True), ("running", True), ("done", False),
    ]  # fmt: skip


def test_people_are_deleted_with_all_they_have_but_never_oneself(office: Client, chats: list[Conversation]) -> None:
    admin = cast.admin()
    begin(office, "people_delete", [cast.alice(), admin], "/admin/accounts/user/")
    bulk.work()
    assert list(User.objects.all()) == [admin]
    assert not Conversation.objects.exists()
    assert BulkJob.objects.get().changed == 1


def test_people_are_signed_out(office: Client, client: Client) -> None:
    client.force_login(cast.alice())
    begin(office, "people_sign_out", [cast.alice()], "/admin/accounts/user/")
    bulk.work()
    assert client.get("/settings/").status_code == 302


def test_what_ended_a_month_ago_is_put_away(office: Client, chats: list[Conversation]) -> None:
    begin(office, "chats_delete", chats)
    assert not bulk.forget(timezone.now() + timedelta(days=60))  # it waits still
    bulk.work()
    assert len(bulk.forget(timezone.now() + timedelta(days=60))) == 1
    assert not BulkJob.objects.exists()
