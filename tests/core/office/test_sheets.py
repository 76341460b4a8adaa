"""Lists as CSV: no cell is a formula, and no file is larger than the memory."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.chat.models import Conversation
from apps.core import stored
from apps.core.models import AuditEntry, BulkJob
from apps.core.office import bulk, sheets
from tests import cast
from tests.core.office.conftest import Staff

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\uff1d1", "=cmd|'/c calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_could_run_becomes_text(text: str) -> None:
    assert sheets.cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (-5, "-5"),
        (True, "True"),
        ("a=b", "a=b"),
        (datetime(2026, 11, 27, tzinfo=UTC), "2026-11-27T00:00:00+00:00"),
    ],
)
def test_everything_else_stays_as_it_is(value: object, expected: str) -> None:
    assert sheets.cell(value) == expected


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=3))
def test_whatever_is_in_them_cells_come_back_and_none_is_a_formula(rows: list[list[str]]) -> None:
    written = sheets.lines(rows).decode()
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert len(read) == len(rows)
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for row in read for cell in row)


async def together(pieces: Any) -> bytes:
    return b"".join([piece async for piece in pieces])


@pytest.mark.django_db(transaction=True)
def test_an_export_is_made_in_pieces_fetched_as_one_and_noted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(cast.admin())
    User.objects.filter(pk=cast.alice().pk).update(username="=alice()")
    for _ in range(7):
        Conversation.objects.create(owner=User.objects.get(username="=alice()"))
    monkeypatch.setitem(bulk._kinds, "export", bulk.Kind("export", "Export", sheets.write, at_once=3))
    chosen = {"action": "export", "select_across": "1", "_selected_action": str(Conversation.objects.first().pk)}  # type: ignore[union-attr]
    begun = client.post("/admin/chat/conversation/", chosen | {"confirmed": "yes", "reason": ""})
    job = BulkJob.objects.get()
    assert begun.headers["Location"] == f"/admin/core/bulkjob/{job.pk}/progress/"
    bulk.work()
    job.refresh_from_db()
    assert (job.state, job.done, job.changed, job.parts) == ("done", 7, 7, 3)
    answer: Any = client.get(f"/admin/core/bulkjob/{job.pk}/file/")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="nitro-chat-conversation-')
    rows = list(csv.reader(io.StringIO(asyncio.run(together(answer.streaming_content)).decode(), newline="")))
    assert rows[0][:2] == ["id", "owner__username"]
    assert {row[1] for row in rows[1:]} == {"'=alice()"}
    assert len(rows) == 8
    assert AuditEntry.objects.filter(action="export", actor="admin").count() == 1


@pytest.mark.django_db
def test_a_file_is_gone_after_a_day(office: Client) -> None:
    made = BulkJob.objects.create(kind="export", label="x", state="done", parts=1, finished_at=timezone.now())
    stored.save(sheets.part_name(made, 0), b"a")
    assert sheets.expire(timezone.now()) == 0
    assert sheets.expire(timezone.now() + timedelta(days=2)) == 1
    assert office.get(f"/admin/core/bulkjob/{made.pk}/file/").status_code == 404
    with pytest.raises(FileNotFoundError):
        stored.open_file(sheets.part_name(made, 0))


@pytest.mark.django_db
def test_whoever_may_not_export_is_not_offered_it(staff: Staff) -> None:
    page = staff("chat.view_conversation").get("/admin/chat/conversation/").content.decode()
    assert 'value="export"' not in page
    assert 'value="chats_delete"' not in page


@pytest.mark.django_db
def test_a_file_is_for_whoever_made_it(staff: Staff) -> None:
    made = BulkJob.objects.create(
        kind="export", label="x", state="done", parts=1, finished_at=timezone.now(), actor_id=0
    )
    clerk = staff("chat.view_conversation", "core.export_rows")
    assert clerk.get(f"/admin/core/bulkjob/{made.pk}/file/").status_code == 403
    assert clerk.get(f"/admin/core/bulkjob/{made.pk}/progress/").status_code == 403
    assert clerk.post(f"/admin/core/bulkjob/{made.pk}/cancel/").status_code == 403
