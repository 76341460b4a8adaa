"""Jobs from their order to their end, with a real database, real files and an engine that does as the test says."""

from __future__ import annotations

import errno
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core import draining
from apps.images import selectors, services, studio
from apps.images.errors import EngineRefused
from apps.images.models import Image, ImageJob
from apps.images.orders import Limits, Order
from tests.images.engines import PATIENCE, Scripted, picture, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("files")]
State = ImageJob.State


def ordered(user: User, **more: object) -> ImageJob:
    values = {"prompt": "a boat", "width": 64, "height": 64, **more}
    return services.job_create(user=user, order=Order(**values)).job  # type: ignore[arg-type]


def again(job: ImageJob) -> ImageJob:
    return ImageJob.objects.get(id=job.id)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_an_order_becomes_a_picture_with_a_thumbnail(alice: User, engine: Scripted, files: Path) -> None:
    job = ordered(alice)
    assert studio.work() == 1
    image = Image.objects.get(job=job)
    assert again(job).state == State.DONE
    assert (image.width, image.height, image.seed) == (64, 64, job.seed)
    assert names(files) == {image.file, image.thumbnail}


def test_several_pictures_have_the_next_seeds(alice: User, engine: Scripted) -> None:
    job = ordered(alice, count=3, seed=10)
    studio.work()
    assert [image.seed for image in Image.objects.filter(job=job).order_by("position")] == [10, 11, 12]
    assert sorted(sheet.seed for sheet in engine.sheets) == [10, 11, 12]


def test_who_has_waited_longest_is_next_and_not_who_has_ordered_most(alice: User, bob: User, engine: Scripted) -> None:
    jobs = [ordered(alice), ordered(alice), ordered(alice), ordered(bob)]
    places = selectors.places(jobs=jobs)
    assert places[jobs[3].id] == 2
    order = [services.job_claim(worker="tests") for _ in jobs]
    assert [job.owner_id for job in order if job] == [alice.pk, bob.pk, alice.pk, alice.pk]


def test_the_row_says_who_drew_and_not_who_was_to(alice: User, engine: Scripted) -> None:
    job = ordered(alice, seed=5)
    engine.model = "another"
    studio.work()
    assert (again(job).state, again(job).model) == (State.DONE, "another")
    assert services.job_create(user=alice, order=Order("a boat", width=64, height=64, seed=5)).job == job


def test_an_engine_that_came_later_is_not_asked_for_what_it_cannot_draw(alice: User, engine: Scripted) -> None:
    job = ordered(alice)
    engine.model, engine.limits = "another", Limits(sizes=((512, 512),))
    studio.work()
    assert (again(job).state, engine.sheets) == (State.FAILED, [])
    assert "512 × 512" in again(job).error_message


def test_a_message_delivered_twice_makes_one_picture(alice: User, engine: Scripted) -> None:
    job = ordered(alice)
    assert [studio.work(), studio.work()] == [1, 0]
    assert Image.objects.filter(job=job).count() == 1


def test_what_goes_wrong_stands_in_the_row(alice: User, engine: Scripted, files: Path) -> None:
    engine.error = EngineRefused("It does not want to draw that.")
    job = ordered(alice)
    studio.work()
    assert (again(job).state, again(job).error_message) == (State.FAILED, "It does not want to draw that.")
    assert names(files) == set()


def test_a_bug_in_an_engine_ends_the_job_and_not_the_worker(alice: User, engine: Scripted) -> None:
    engine.error = ZeroDivisionError("a bug")
    first = ordered(alice)
    studio.work()
    engine.error = None
    second = ordered(alice)
    studio.work()
    assert (again(first).state, again(second).state) == (State.FAILED, State.DONE)


def test_what_is_no_picture_is_no_result(alice: User, engine: Scripted, files: Path) -> None:
    engine.content = b"<html>busy</html>"
    job = ordered(alice)
    studio.work()
    assert (again(job).state, again(job).error_code) == (State.FAILED, "no_picture")
    assert names(files) == set()


def test_cancelling_stops_the_engine(alice: User, engine: Scripted, files: Path) -> None:
    engine.go = threading.Event()
    job = ordered(alice)
    with working():
        assert engine.began.wait(PATIENCE)
        services.job_cancel(user=alice, job_id=job.id)
        assert engine.cancelled.wait(PATIENCE)
    assert again(job).state == State.CANCELLED
    assert names(files) == set()


def test_cancelling_what_waits_needs_no_worker(alice: User, engine: Scripted) -> None:
    job = ordered(alice)
    assert services.job_cancel(user=alice, job_id=job.id).state == State.CANCELLED
    assert studio.work() == 0


def test_a_worker_that_leaves_gives_its_job_back(alice: User, engine: Scripted) -> None:
    engine.go = threading.Event()
    job = ordered(alice)
    with working():
        assert engine.began.wait(PATIENCE)
        draining.begin()
    assert again(job).state == State.QUEUED
    draining.reset()
    engine.go.set()
    assert studio.work() == 1
    assert again(job).state == State.DONE


def lose(job: ImageJob) -> None:
    """As if the worker had been killed a while ago."""
    ImageJob.objects.filter(id=job.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_job_of_a_dead_worker_is_drawn_by_the_next_one(alice: User, engine: Scripted) -> None:
    job = ordered(alice)
    services.job_claim(worker="the dead")
    lose(job)
    services.jobs_rescue(now=timezone.now())
    assert again(job).state == State.QUEUED
    studio.work()
    assert again(job).state == State.DONE


def test_a_job_that_kills_its_workers_fails_in_the_end(alice: User, engine: Scripted) -> None:
    job = ordered(alice)
    for _ in range(services.MOST_LOSSES):
        assert services.job_claim(worker="the next dead") is not None
        lose(job)
        services.jobs_rescue(now=timezone.now())
    assert (again(job).state, again(job).error_code) == (State.FAILED, "worker_lost")


def test_whoever_lost_its_job_leaves_nothing_behind(alice: User, engine: Scripted, files: Path) -> None:
    engine.go = threading.Event()
    job = ordered(alice)
    with working():
        assert engine.began.wait(PATIENCE)
        lose(job)
        ImageJob.objects.filter(id=job.id).update(state=State.QUEUED, worker="")
        assert engine.cancelled.wait(PATIENCE)
        engine.go.set()
    studio.work()
    image = Image.objects.get(job=job)
    assert names(files) == {image.file, image.thumbnail}


def test_files_of_an_attempt_that_was_killed_before_its_end_are_removed(
    alice: User, engine: Scripted, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ordered(alice)
    with monkeypatch.context() as patch:
        patch.setattr(services, "job_finish", lambda **_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            studio.work()
    assert len(names(files)) == 2
    lose(job)
    services.jobs_rescue(now=timezone.now())
    assert names(files) == set()


def test_a_full_disk_is_told_and_leaves_nothing(
    alice: User, engine: Scripted, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ordered(alice, count=2)
    real, calls = os.fsync, []

    def fill(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    studio.work()
    assert (again(job).state, again(job).error_code) == (State.FAILED, "disk_full")
    assert names(files) == set()
    services.job_retry(user=alice, job_id=job.id)
    studio.work()
    assert again(job).state == State.DONE


def test_a_seed_brings_the_same_picture_at_once(alice: User, engine: Scripted) -> None:
    first = services.job_create(user=alice, order=Order("a boat", width=64, height=64, seed=5))
    studio.work()
    second = services.job_create(user=alice, order=Order(" a boat ", width=64, height=64, seed=5))
    assert (second.cached, second.job.id, second.job.state) == (True, first.job.id, State.DONE)


def test_the_seed_that_was_drawn_by_lot_brings_its_picture_too(alice: User, engine: Scripted) -> None:
    first = ordered(alice)
    studio.work()
    again_please = Order("a boat", width=64, height=64, seed=first.seed)
    assert services.job_create(user=alice, order=again_please).job.id == first.id


@pytest.mark.parametrize("other", [{"seed": 6}, {"steps": 21}, {"prompt": "a ship"}, {"guidance": 8.0}, {"seed": None}])
def test_another_order_brings_another_picture(alice: User, engine: Scripted, other: dict[str, object]) -> None:
    ordered(alice, seed=5)
    studio.work()
    values = {"prompt": "a boat", "width": 64, "height": 64, "seed": 5, **other}
    assert not services.job_create(user=alice, order=Order(**values)).cached  # type: ignore[arg-type]


def test_nobody_gets_the_pictures_of_another(alice: User, bob: User, engine: Scripted) -> None:
    ordered(alice, seed=5)
    studio.work()
    assert not services.job_create(user=bob, order=Order("a boat", width=64, height=64, seed=5)).cached


def test_a_deleted_picture_is_drawn_again(alice: User, engine: Scripted) -> None:
    job = ordered(alice, seed=5)
    studio.work()
    services.image_delete(user=alice, image_id=Image.objects.get(job=job).id)
    assert not services.job_create(user=alice, order=Order("a boat", width=64, height=64, seed=5)).cached


def test_metadata_of_a_picture_is_not_kept(alice: User, engine: Scripted, files: Path) -> None:
    import io

    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("parameters", "a secret of the engine")
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=told)
    engine.content = buffer.getvalue()
    ordered(alice)
    studio.work()
    assert not [path for path in files.rglob("*.*") if b"secret" in path.read_bytes()]


def test_deleted_pictures_go_for_good_after_a_day(alice: User, engine: Scripted, files: Path) -> None:
    job = ordered(alice)
    studio.work()
    services.image_delete(user=alice, image_id=Image.objects.get(job=job).id)
    assert services.images_purge(now=timezone.now()) == 0
    assert services.images_purge(now=timezone.now() + timedelta(hours=25)) == 1
    assert names(files) == set()


def test_the_engine_says_how_far_it_is(alice: User, engine: Scripted) -> None:
    engine.go = threading.Event()
    job = ordered(alice)
    with working():
        assert engine.began.wait(PATIENCE)
        while again(job).progress < 0.4:
            threading.Event().wait(0.05)
        engine.go.set()
    assert again(job).progress == 1
    assert picture()
