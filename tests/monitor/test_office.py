"""The admin's board, and its pages of live sessions, remembered answers and providers."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import DjangoAssertNumQueries
from redis import RedisError

from apps.accounts import presence
from apps.accounts.models import User
from apps.accounts.presence import Live, Presence
from apps.core import memory
from apps.core.memory import MemoryAway
from apps.core.models import AuditEntry
from apps.core.office.site import Tile
from apps.llm import board as notes
from apps.llm.farm import Condition
from apps.llm.models import Drain
from apps.monitor.models import Cleanup
from apps.monitor.office import sessions
from tests import cast
from tests.core.office.conftest import Staff

pytestmark = pytest.mark.django_db
LABELS = (
    "Live sessions", "Answers being written", "Pictures waiting", "Recordings waiting", "Bulk actions", "Providers",
    "Answered from memory", "Alarms", "Worker", "Scheduled tasks", "Last cleanup", "Last backup",
)  # fmt: skip


def away(*_: object, **__: object) -> None:
    raise MemoryAway("It is away.")


# --- the board and the frame ------------------------------------------------------------------------------------------


def test_the_board_shows_the_house_and_every_figure_leads_somewhere(office: Client) -> None:
    page = office.get("/admin/").content.decode()
    for label in LABELS:
        assert label in page
    for address in re.findall(r'class="office-tile-link" href="([^"]+)"', page):
        assert office.get(address.replace("&amp;", "&")).status_code == 200, address


def test_the_frame_is_nitros_and_runs_no_script_of_its_own(office: Client) -> None:
    answer = office.get("/admin/")
    page = answer.content.decode()
    assert "Back to Nitro" in page
    assert "Django" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
    assert not re.findall(r"\son[a-z]+=|\sstyle=", page)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_menu_is_by_what_somebody_looks_for(office: Client) -> None:
    page = office.get("/admin/").content.decode()
    order = [page.index(f">{name}</a>") for name in ("Now", "People", "Chats", "Pictures", "Operation", "Records")]
    assert order == sorted(order)


def test_staff_without_rights_see_an_empty_house(staff: Staff) -> None:
    page = staff().get("/admin/").content.decode()
    assert "office-tile" not in page
    assert "permission to view or edit anything" in page


def test_staff_see_what_their_rights_allow(staff: Staff) -> None:
    page = staff("core.see_sessions").get("/admin/").content.decode()
    assert "Live sessions" in page
    assert "Providers" not in page
    assert "Conversations" not in page


@pytest.mark.parametrize("place", ["sessions/", "providers/", "cache/"])
def test_pages_are_for_those_who_have_the_right(staff: Staff, place: str) -> None:
    assert staff("chat.view_conversation").get(f"/admin/{place}").status_code == 403


@pytest.mark.parametrize("place", ["sessions/close/", "providers/drain/", "providers/undrain/", "cache/clear/"])
def test_looking_is_not_doing(staff: Staff, place: str) -> None:
    clerk = staff("core.see_sessions", "core.see_providers", "core.see_cache")
    assert clerk.post(f"/admin/{place}", {"user": "everybody"}).status_code == 403
    assert not AuditEntry.objects.exists()


def test_the_board_asks_the_same_however_much_there_is(
    office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(25):
        office.get("/admin/")


def test_a_silent_worker_and_a_late_beat_are_seen(office: Client) -> None:
    memory.ask(lambda redis: redis.delete("nitro:canary"))
    PeriodicTask.objects.all().delete()
    tiles = {tile.label: tile for tile in board_of(office)}
    assert (tiles["Worker"].value, tiles["Worker"].state) == ("silent", "bad")
    assert tiles["Scheduled tasks"].state == "bad"
    memory.ask(lambda redis: redis.set("nitro:canary", str(time.time())))
    every = IntervalSchedule.objects.create(every=60, period="seconds")
    PeriodicTask.objects.create(name="x", task="x", interval=every, last_run_at=timezone.now())
    Cleanup.objects.create(hidden={"conversations": 3}, began_at=timezone.now() - timedelta(hours=2))
    tiles = {tile.label: tile for tile in board_of(office)}
    assert (tiles["Worker"].value, tiles["Scheduled tasks"].value) == ("alive", "on time")
    assert (tiles["Last cleanup"].value, tiles["Last cleanup"].note) == ("2\xa0hours ago", "3 hidden")


def board_of(office: Client) -> list[Tile]:
    tiles: list[Tile] = office.get("/admin/").context["tiles"]
    return tiles


def test_without_redis_the_board_says_so_and_opens(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise RedisError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "connection", refused)
        patch.setattr(memory, "outage", memory.Outage(lambda: None))
        page = office.get("/admin/").content.decode()
        assert memory.outage.wait(30)
    assert "Redis does not answer" in page


def test_scheduled_tasks_show_their_last_run_and_open(office: Client) -> None:
    every = IntervalSchedule.objects.create(every=60, period="seconds")
    task = PeriodicTask.objects.create(name="sweep", task="x", interval=every, last_run_at=timezone.now())
    page = office.get("/admin/django_celery_beat/periodictask/").content.decode()
    assert "sweep" in page
    assert "Last Run Datetime" in page
    assert "dispatched unless" not in page
    form = office.get(f"/admin/django_celery_beat/periodictask/{task.pk}/change/").content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", form)


# --- live sessions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def one_live(monkeypatch: pytest.MonkeyPatch) -> Live:
    User.objects.filter(pk=cast.alice().pk).update(username="<img src=x>")
    chat = "11111111-2222-4333-8444-555555555555"
    live = Live("7-a", "b", "chat", cast_id(), chat, "192.0.2.7", "host web-1", timezone.now(), None)
    monkeypatch.setattr(presence, "live", lambda most=0: Presence(1, 1, [live]))
    return live


def cast_id() -> int:
    return User.objects.get(username="<img src=x>").pk


def test_live_sessions_say_who_from_where_and_what(office: Client, one_live: Live) -> None:
    page = office.get("/admin/sessions/").content.decode()
    for word in ("&lt;img src=x&gt;", "192.0.2.7", "host web-1", "answering"):
        assert word in page
    assert "<img src=x>" not in page


def test_sessions_of_other_kinds_say_what_they_are(
    office: Client, one_live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = replace(one_live, socket="v", kind="voice", conversation="")
    pictures = replace(one_live, socket="p", kind="pictures", conversation="", idle=7.0)
    monkeypatch.setattr(presence, "live", lambda most=0: Presence(3, 1, [one_live, voice, pictures]))
    monkeypatch.setattr(presence, "close", lambda **_: True)
    page = office.get("/admin/sessions/").content.decode()
    for word in ("<td>chat</td>", "<td>voice</td>", "<td>pictures</td>", "speaking or listening", "idle for 7 s"):
        assert word in page
    assert "3 open, 1 of at most 100 chats among them" in page
    assert [(tile.value, tile.note) for tile in board_of(office) if tile.label == "Live sessions"] == [
        ("3", "1 of 100 chats")
    ]
    office.post("/admin/sessions/close/", {"holder": "7-a", "socket": "v"})
    assert AuditEntry.objects.get().target == f"session of user {one_live.user_id} in voice"


def test_closing_one_is_noted_first(office: Client, one_live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []
    monkeypatch.setattr(presence, "close", lambda **_: noted.append(AuditEntry.objects.count()))
    page = office.post("/admin/sessions/close/", {"holder": "7-a", "socket": "b"}, follow=True)
    assert b"offers to go on" in page.content
    assert noted == [1]
    assert AuditEntry.objects.get().details == {"user": one_live.user_id, "process": "host web-1"}


def test_closing_what_is_gone_does_nothing(office: Client, one_live: Live) -> None:
    page = office.post("/admin/sessions/close/", {"holder": "7-a", "socket": "other"}, follow=True)
    assert b"over already" in page.content
    assert not AuditEntry.objects.exists()


def test_without_redis_nobody_can_say_who_is_here(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "live", away)
    assert sessions.AWAY in office.get("/admin/sessions/").content.decode().replace("&#x27;", "'")


# --- remembered answers -----------------------------------------------------------------------------------------------


def test_answers_are_counted_by_person_and_forgotten_by_person(office: Client) -> None:
    alice, bob = cast.alice(), cast.bob()
    for user, count in ((alice, 2), (bob, 1)):
        for number in range(count):
            name = f"nitro:reply:{user.pk}:{number}"
            memory.ask(lambda redis, name=name: redis.set(name, "x" * 10, ex=60))  # type: ignore[misc]
    page = office.get("/admin/cache/")
    assert [(row.name, row.answers, row.size) for row in page.context["rows"]] == [("alice", 2, 20), ("bob", 1, 10)]
    office.post("/admin/cache/clear/", {"user": str(alice.pk)})
    assert [row.name for row in office.get("/admin/cache/").context["rows"]] == ["bob"]
    office.post("/admin/cache/clear/", {"user": "everybody"})
    assert not office.get("/admin/cache/").context["rows"]
    assert [entry.target for entry in AuditEntry.objects.order_by("pk")] == [
        f"remembered answers of {alice.pk}", "remembered answers of everybody",
    ]  # fmt: skip


@pytest.mark.parametrize("whose", ["", "*", "x", "-1", "9" * 40])
def test_whose_answers_must_be_said(office: Client, whose: str) -> None:
    assert b"Say whose answers" in office.post("/admin/cache/clear/", {"user": whose}, follow=True).content
    assert not AuditEntry.objects.exists()


# --- providers --------------------------------------------------------------------------------------------------------


def test_providers_show_the_worst_that_a_process_has_found(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [
        Condition("openai", 1, "closed", 0, 0.0, ""),
        Condition("openai", 1, "open", 3, 7.0, "It <b>failed</b>."),
        Condition("ollama", 1, "closed", 0, 0.0, ""),
    ]
    monkeypatch.setattr(notes, "read", lambda url: seen)
    page = office.get("/admin/providers/").content.decode()
    assert "3 failures in a row" in page
    assert "It &lt;b&gt;failed&lt;/b&gt;." in page
    assert [(kind.name, kind.state) for kind in office.get("/admin/providers/").context["kinds"]] == [
        ("ollama", "well"), ("openai", "away"),
    ]  # fmt: skip


def test_a_server_that_nobody_configured_is_missed_by_nobody(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Condition("builtin", 1, "closed", 0, 0.0, ""), Condition("ollama", 1, "open", 1, 5.0, "Refused.")]
    monkeypatch.setattr(notes, "read", lambda url: seen)
    found = office.get("/admin/providers/").context["kinds"]
    assert [(kind.name, kind.state, kind.colour) for kind in found if kind.servers] == [
        ("builtin", "well", "good"),
        ("ollama", "not here", ""),
    ]
    tile = next(one for one in office.get("/admin/").context["tiles"] if one.label == "Providers")
    assert (tile.note, tile.state) == ("", "good")


def test_a_provider_is_stopped_with_a_reason_and_let_on_again(office: Client) -> None:
    office.post("/admin/providers/drain/", {"kind": "openai", "reason": "The bill is paid up."})
    drain = Drain.objects.get()
    assert (drain.kind, drain.reason, drain.by) == ("openai", "The bill is paid up.", "admin")
    assert "The bill is paid up." in office.get("/admin/providers/").content.decode()
    office.post("/admin/providers/undrain/", {"kind": "openai"})
    assert not Drain.objects.exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "target")) == [
        ("drain", "provider openai"), ("undrain", "provider openai"),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "reason"), [("openai", ""), ("openai", "x"), ("nobody", "A good reason."), ("", "")])
def test_without_a_reason_or_a_provider_nothing_is_stopped(office: Client, kind: str, reason: str) -> None:
    page = office.post("/admin/providers/drain/", {"kind": kind, "reason": reason}, follow=True)
    assert b"Say why" in page.content
    assert not Drain.objects.exists()
    assert not AuditEntry.objects.exists()
