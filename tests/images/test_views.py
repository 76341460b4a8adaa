"""The page of the pictures and its fragments, as a browser gets them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.images import services, sketches, studio
from apps.images.errors import EngineRefused
from apps.images.models import Image, ImageJob
from apps.images.orders import Limits, Order
from tests.images.engines import Scripted, picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files", "engine")]
HTMX = {"HX-Request": "true"}
FORM = {"prompt": "a boat", "size": "64x64", "n": "1", "steps": "5", "guidance": "7", "seed": ""}


def shelved(user: User, count: int = 1, **job: object) -> list[Image]:
    """Pictures of one job, without any files; each a minute older than the one before."""
    values = {"prompt": "a boat", "engine": "painter", "state": "done", **job}
    made = ImageJob.objects.create(owner=user, width=64, height=64, steps=5, guidance=7, seed=1, **values)
    now = timezone.now()
    return Image.objects.bulk_create(
        Image(
            owner=user, job=made, position=place, file=f"{made.id.hex}-1-{place}.png",
            thumbnail=f"{made.id.hex}-1-{place}.small.webp", width=64, height=64, size=1, digest="0" * 64,
            seed=place, created_at=now - timedelta(minutes=place),
        )
        for place in range(count)
    )  # fmt: skip


def html_of(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def tiles(html: str) -> list[UUID]:
    return [UUID(found) for found in re.findall(r'id="tile-([0-9a-f-]{36})"', html)]


def test_the_empty_room_invites(visitor: Client) -> None:
    html = html_of(visitor, "/images/")
    assert "Here your pictures will hang" in html
    assert "data-idea" in html


def test_the_painter_says_what_it_is(visitor: Client, engine: Scripted) -> None:
    engine.kind = "painter"
    assert "without an AI model" in html_of(visitor, "/images/")


def test_an_order_shows_its_card(visitor: Client) -> None:
    response = visitor.post("/images/order/", FORM, headers=HTMX)
    job = ImageJob.objects.get()
    html = response.content.decode()
    assert f'id="job-{job.id}"' in html
    assert 'data-state="queued"' in html


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt", ""), ("size", "huge"), ("size", "65x64"), ("steps", "many"), ("n", "9"), ("seed", "-3"), ("n", "1e3")],
)
def test_what_is_wrong_is_said_above_the_form(visitor: Client, field: str, value: str) -> None:
    response = visitor.post("/images/order/", FORM | {field: value}, headers=HTMX)
    assert response.headers["HX-Retarget"] == "#order-problem"
    assert 'class="error"' in response.content.decode()
    assert not ImageJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_done_turns_into_tiles(visitor: Client, alice: User) -> None:
    job = services.job_create(user=alice, order=Order("a boat", width=64, height=64, count=2)).job
    studio.work()
    html = html_of(visitor, f"/images/jobs/{job.id}/", **HTMX)
    assert 'hx-swap-oob="afterbegin:#grid"' in html
    assert len(tiles(html)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_failed_job_can_be_tried_again_or_put_away(visitor: Client, alice: User, engine: Scripted) -> None:
    engine.error = EngineRefused("It does not want to.")
    job = services.job_create(user=alice, order=Order("a boat", width=64, height=64)).job
    studio.work()
    assert "It does not want to." in html_of(visitor, "/images/")
    visitor.post(f"/images/jobs/{job.id}/retry/", headers=HTMX)
    assert ImageJob.objects.get().state == "queued"
    studio.work()
    assert visitor.post(f"/images/jobs/{job.id}/dismiss/", headers=HTMX).content == b""
    assert not ImageJob.objects.exists()


def test_the_gallery_comes_in_parts_without_gaps(visitor: Client, alice: User) -> None:
    images = shelved(alice, 100)
    html, seen = html_of(visitor, "/images/"), []
    while True:
        seen += tiles(html)
        more = re.search(r'hx-get="([^"]*after=[^"]*)"', html)
        if more is None:
            break
        html = html_of(visitor, more[1].replace("&amp;", "&"), **HTMX)
    assert seen == [image.id for image in images]


def test_a_part_of_the_gallery_costs_a_fixed_number_of_queries(
    visitor: Client, alice: User, django_assert_max_num_queries: object
) -> None:
    shelved(alice, 60)
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        visitor.get("/images/", headers=HTMX)


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=lighthouse", 1), ("q=LIGHT sea", 1), ("q=castle", 0), ("engine=a1111", 1), ("engine=x", 2), ("q=%25", 0)],
)
def test_the_gallery_can_be_searched(visitor: Client, alice: User, query: str, found: int) -> None:
    shelved(alice, prompt="a lighthouse by the sea", engine="a1111")
    shelved(alice, prompt="a boat")
    assert len(tiles(html_of(visitor, f"/images/?{query}", **HTMX))) == found


def test_the_gallery_can_be_searched_by_date(visitor: Client, alice: User) -> None:
    today, tomorrow = timezone.now().date(), timezone.now().date() + timedelta(days=1)
    shelved(alice)
    assert len(tiles(html_of(visitor, f"/images/?since={today}&until={today}", **HTMX))) == 1
    assert len(tiles(html_of(visitor, f"/images/?since={tomorrow}", **HTMX))) == 0
    assert len(tiles(html_of(visitor, "/images/?since=2026-99-99&until=soon", **HTMX))) == 1


def test_nobody_sees_the_gallery_of_another(client: Client, alice: User, bob: User) -> None:
    shelved(alice, 3)
    client.force_login(bob)
    assert tiles(html_of(client, "/images/")) == []


def test_a_deleted_picture_goes_and_comes_back(visitor: Client, alice: User) -> None:
    image = shelved(alice)[0]
    response = visitor.post(f"/images/{image.id}/delete/", headers=HTMX)
    assert f"/images/{image.id}/restore/" in response.content.decode()
    assert tiles(html_of(visitor, "/images/")) == []
    visitor.post(f"/images/{image.id}/restore/", headers=HTMX)
    assert tiles(html_of(visitor, "/images/")) == [image.id]


def test_the_settings_of_a_picture_fill_the_form(visitor: Client, alice: User) -> None:
    image = shelved(alice, prompt='a "boat" & more')[0]
    html = html_of(visitor, f"/images/{image.id}/")
    reuse = re.search(r'href="(/images/\?[^"]+)"', html)
    assert reuse is not None
    form = html_of(visitor, reuse[1].replace("&amp;", "&"))
    assert "a &quot;boat&quot; &amp; more</textarea>" in form
    assert f'name="seed" min="0" max="4294967295" value="{image.seed}"' in form
    assert 'value="64x64" selected' in form


def test_what_somebody_ordered_is_text_and_never_markup(visitor: Client, alice: User) -> None:
    shelved(alice, prompt='"><script>alert(1)</script>')
    assert "<script>alert" not in html_of(visitor, "/images/")


def test_a_preview_is_for_its_owner_alone(visitor: Client, alice: User, bob: User) -> None:
    job = services.job_create(user=alice, order=Order("a boat", width=64, height=64)).job
    assert visitor.get(f"/images/jobs/{job.id}/preview/").status_code == 404
    assert sketches.keep(job_id=job.id, user_id=alice.pk, content=picture())
    response = visitor.get(f"/images/jobs/{job.id}/preview/")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    his = Client()
    his.force_login(bob)
    assert his.get(f"/images/jobs/{job.id}/preview/").status_code == 404


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"\x89PNG" * 200_000])
def test_what_is_no_preview_is_not_kept(alice: User, content: bytes) -> None:
    assert not sketches.keep(job_id=UUID(int=1), user_id=alice.pk, content=content)


@pytest.mark.parametrize("path", ["/images/?after=x", "/images/?after=2026-01-01T00:00:00Z~x", "/images/?size=1x"])
def test_odd_addresses_show_the_room(visitor: Client, path: str) -> None:
    assert visitor.get(path).status_code == 200


def test_the_form_asks_only_for_what_the_engine_takes(visitor: Client, engine: Scripted) -> None:
    assert 'name="steps"' in html_of(visitor, "/images/")
    engine.limits = Limits(takes_steps=False, takes_negative=False)
    html = html_of(visitor, "/images/")
    assert 'name="steps"' not in html
    assert 'name="negative_prompt"' not in html


def test_an_order_without_the_fields_that_were_not_asked_for_is_taken(visitor: Client) -> None:
    response = visitor.post("/images/order/", {"prompt": "a boat", "size": "64x64"}, headers=HTMX)
    assert 'data-state="queued"' in response.content.decode()
