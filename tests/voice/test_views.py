"""The voice page: recordings go in, transcripts come out, and everybody has a voice they like."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.voice import jobs, selectors, services
from apps.voice.models import Recording
from tests.voice.recordings import recording

HTMX = {"HX-Request": "true"}
CHOSEN = {"voice": "de", "speed": "1.25", "language": "de", "stop_answer": "on"}


def upload(client: Client, content: bytes, name: str = "note.wav", **headers: Any) -> Any:
    return client.post("/voice/upload/", {"file": SimpleUploadedFile(name, content)}, **headers)


def test_the_page_says_honestly_who_listens(visitor: Client) -> None:
    page = visitor.get("/voice/").content.decode()
    assert "PocketSphinx (built in, English, rough) listens." in page
    assert 'href="/voice/" aria-current="page"' in page


@pytest.mark.django_db(transaction=True)
def test_a_recording_is_written_down_and_shown_with_times(visitor: Client) -> None:
    card = upload(visitor, recording("m4a"), headers=HTMX).content.decode()
    assert "Waiting" in card
    assert "hx-get" in card
    jobs.run_next()
    row = Recording.objects.get()
    page = visitor.get(f"/voice/{row.pk}/").content.decode()
    assert "letter" in page
    assert "data-start=" in page
    assert "hx-get" not in visitor.get(f"/voice/{row.pk}/", headers=HTMX).content.decode()


def test_without_script_the_form_leads_back_to_the_page(visitor: Client) -> None:
    assert upload(visitor, recording("wav")).headers["Location"] == "/voice/"


def test_a_file_that_is_no_recording_is_told_above_the_list(visitor: Client) -> None:
    response = upload(visitor, b"<html>", headers=HTMX)
    assert response.headers["HX-Retarget"] == "#upload-problem"
    assert "not a recording" in response.content.decode()
    assert not Recording.objects.exists()


def test_names_cannot_act(visitor: Client) -> None:
    upload(visitor, recording("wav"), name="<img src=x onerror=alert(1)>.wav")
    assert "<img" not in visitor.get("/voice/").content.decode().replace('<img class="', "")


@pytest.mark.parametrize("kind", ["wav", "webm", "m4a"])
def test_a_recording_is_served_as_what_it_is_and_can_run_nothing(visitor: Client, kind: str) -> None:
    upload(visitor, recording(kind), name="page.html")
    response = visitor.get(f"/voice/{Recording.objects.get().pk}/audio/")
    assert response.headers["Content-Type"].startswith("audio/")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.content == recording(kind)


def test_a_part_of_a_recording_can_be_asked_for(visitor: Client) -> None:
    upload(visitor, recording("wav"))
    response = visitor.get(f"/voice/{Recording.objects.get().pk}/audio/", headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.content) == (206, b"RIFF")


def test_a_deleted_recording_is_gone(visitor: Client) -> None:
    upload(visitor, recording("wav"))
    visitor.post(f"/voice/{Recording.objects.get().pk}/delete/", headers=HTMX)
    assert not Recording.objects.exists()


def test_a_failed_recording_says_why(visitor: Client, alice: User) -> None:
    services.recording_create(user=alice, name="broken.wav", content=b"RIFF....WAVE", suffix="wav")
    jobs.run_next()
    assert "damaged or empty" in visitor.get("/voice/").content.decode()


def test_a_voice_is_chosen_and_used_from_then_on(visitor: Client, alice: User) -> None:
    assert "Saved." in visitor.post("/voice/taste/", CHOSEN, headers=HTMX).content.decode()
    taste = selectors.taste_get(user=alice)
    assert (taste.voice, taste.speed, taste.language, taste.stop_answer) == ("de", 1.25, "de", True)
    assert 'value="de" selected' in visitor.get("/voice/").content.decode()


@pytest.mark.parametrize("wrong", [{"voice": "nobody"}, {"speed": "99"}, {"speed": "x"}, {"language": "../"}])
def test_a_wrong_choice_is_told_and_not_kept(visitor: Client, alice: User, wrong: dict[str, str]) -> None:
    answer = visitor.post("/voice/taste/", CHOSEN | wrong, headers=HTMX).content.decode()
    assert 'class="error"' in answer
    assert selectors.taste_get(user=alice).voice == ""
