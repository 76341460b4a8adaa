"""The audit log is only ever added to."""

from __future__ import annotations

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError
from django.test import Client

from apps.core.models import AuditEntry
from tests import cast
from tests.core.office.conftest import Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> AuditEntry:
    return AuditEntry.objects.create(actor="admin", action="close", target="<b>x</b>", reason="=1+1")


@pytest.mark.parametrize(
    "statement", ["UPDATE core_auditentry SET reason = ''", "DELETE FROM core_auditentry"], ids=["update", "delete"]
)
def test_the_database_itself_refuses_to_change_or_delete(entry: AuditEntry, statement: str) -> None:
    with pytest.raises((InternalError, DatabaseError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().reason == "=1+1"


def test_administrators_read_it_and_can_do_nothing_to_it(office: Client, entry: AuditEntry) -> None:
    place = f"/admin/core/auditentry/{entry.pk}"
    page = office.get("/admin/core/auditentry/").content.decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert 'value="delete_selected"' not in page
    assert 'name="_save"' not in office.get(f"{place}/change/").content.decode()
    assert office.post(f"{place}/change/", {"reason": "other"}).status_code == 403
    assert office.post(f"{place}/delete/", {"post": "yes"}).status_code == 403
    assert office.get("/admin/core/auditentry/add/").status_code == 403


def test_it_outlives_the_account(entry: AuditEntry) -> None:
    person = cast.admin()
    AuditEntry.objects.create(actor_id=person.pk, actor="admin", action="close")
    person.delete()
    assert AuditEntry.objects.count() == 2


def test_staff_without_the_right_do_not_read_it(staff: Staff, entry: AuditEntry) -> None:
    assert staff("core.see_sessions").get("/admin/core/auditentry/").status_code == 403


def test_what_django_notes_of_changes_is_looked_at_and_not_changed(office: Client) -> None:
    office.post(
        "/admin/auth/group/add/", {"name": "guests", "nitro_limit-TOTAL_FORMS": 0, "nitro_limit-INITIAL_FORMS": 0}
    )
    assert b"guests" in office.get("/admin/admin/logentry/").content
    assert office.get("/admin/admin/logentry/add/").status_code == 403
