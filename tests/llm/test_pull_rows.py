"""Downloads as rows: one at a time for a name, carried by one process, ended once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Invalid, NotAllowed, NotFound
from apps.llm import selectors, services
from apps.llm.errors import ModelMissing
from apps.llm.models import Pull
from apps.llm.services import Progress
from tests import cast

pytestmark = pytest.mark.django_db
HALF = Progress("pulling aa", 50, 100)
LATER = timedelta(minutes=1)


@pytest.fixture
def admin() -> User:
    return cast.admin()


def claimed(admin: User, name: str = "phi3", holder: str = "here") -> Pull:
    pull = services.pull_start(user=admin, name=name)
    found = services.pull_claim(pull_id=pull.pk, holder=holder, now=timezone.now())
    assert found is not None
    return found


def test_a_name_is_pulled_once_at_a_time(admin: User) -> None:
    first = services.pull_start(user=admin, name="phi3")
    assert services.pull_start(user=admin, name=" phi3:latest ") == first
    assert services.pull_start(user=admin, name="llama3") != first


def test_a_name_can_be_pulled_again_after_its_end(admin: User) -> None:
    first = claimed(admin)
    services.pull_finish(pull_id=first.pk, holder="here", progress=HALF)
    assert services.pull_start(user=admin, name="phi3").pk != first.pk


def test_only_administrators_pull_and_cancel(admin: User) -> None:
    pull = services.pull_start(user=admin, name="phi3")
    with pytest.raises(NotAllowed):
        services.pull_start(user=cast.alice(), name="phi3")
    with pytest.raises(NotAllowed):
        services.pull_cancel(user=cast.alice(), pull_id=pull.pk)


def test_whoever_has_the_command_line_may_pull() -> None:
    assert services.pull_start(user=None, name="phi3").asked_by is None


@pytest.mark.parametrize("name", ["phi3", "llama3.2:3b-instruct-q4_0", "hf.co/me/Llama-3.2-1B:Q4_K_M", "me/mine"])
def test_names_of_models_are_taken(admin: User, name: str) -> None:
    assert services.pull_start(user=admin, name=name).name == name


def test_the_address_of_a_model_file_is_taken(admin: User) -> None:
    address = "https://huggingface.co/me/mine/resolve/main/Mine-1B.Q4_K_M.gguf"
    assert services.pull_start(user=admin, name=address).name == address


@pytest.mark.parametrize(
    "name",
    [
        "http://example.com/model.gguf",
        "file:///etc/model.gguf",
        "https://example.com/model.bin",
        "https://example.com/model.gguf?key=secret",
        "https://user:secret@example.com/model.gguf",
        "https://example.com/..gguf",
        "https://example.com/a b.gguf",
        "https://example.com/\u202emodel.gguf",
        "https://example.com/" + "x" * 200 + ".gguf",
        "https://.gguf",
        "",
        "a b",
        "../etc/passwd",
        "a..b",
        "x" * 201,
        "http://host/x",
        "169.254.169.254/latest/meta",
        "metadata.google.internal/a/b",
        "localhost:5000/a/b",
        "host:80/a/b",
        "a/b/c/d",
        "ph\0i3",
        "-rf",
        "ph\ni3",
    ],
)
def test_what_no_model_is_called_is_refused(admin: User, name: str) -> None:
    with pytest.raises(Invalid):
        services.pull_start(user=admin, name=name)


def test_one_process_carries_a_download(admin: User) -> None:
    pull = claimed(admin)
    assert services.pull_claim(pull_id=pull.pk, holder="there", now=timezone.now()) is None
    assert services.pull_carry_on(pull_id=pull.pk, holder="here", progress=HALF, now=timezone.now())
    assert not services.pull_carry_on(pull_id=pull.pk, holder="there", progress=HALF, now=timezone.now())


def test_another_process_goes_on_when_the_first_one_has_died(admin: User) -> None:
    pull = claimed(admin)
    assert services.pull_claim(pull_id=pull.pk, holder="there", now=timezone.now() + LATER) is not None
    assert not services.pull_carry_on(pull_id=pull.pk, holder="here", progress=HALF, now=timezone.now())
    assert services.pull_finish(pull_id=pull.pk, holder="here", progress=HALF) is None


def test_what_was_laid_down_is_taken_up_at_once(admin: User) -> None:
    pull = claimed(admin)
    services.pull_let_go(pull_id=pull.pk, holder="here")
    assert services.pull_claim(pull_id=pull.pk, holder="there", now=timezone.now()) is not None


def test_progress_is_kept(admin: User) -> None:
    pull = claimed(admin)
    services.pull_carry_on(pull_id=pull.pk, holder="here", progress=HALF, now=timezone.now())
    pull.refresh_from_db()
    assert (pull.status, pull.completed, pull.total) == ("pulling aa", 50, 100)


def test_a_download_that_nobody_carries_yet_is_cancelled_at_once(admin: User) -> None:
    pull = services.pull_start(user=admin, name="phi3")
    assert services.pull_cancel(user=admin, pull_id=pull.pk).state == Pull.State.CANCELLED


def test_a_carried_download_is_let_go_of_by_its_process(admin: User) -> None:
    pull = claimed(admin)
    assert services.pull_cancel(user=admin, pull_id=pull.pk).state == Pull.State.RUNNING
    assert not services.pull_carry_on(pull_id=pull.pk, holder="here", progress=HALF, now=timezone.now())
    ended = services.pull_finish(pull_id=pull.pk, holder="here", progress=HALF)
    assert ended is not None
    assert ended.state == Pull.State.CANCELLED


def test_cancelling_what_has_ended_changes_nothing(admin: User) -> None:
    pull = claimed(admin)
    services.pull_finish(pull_id=pull.pk, holder="here", progress=HALF)
    assert services.pull_cancel(user=admin, pull_id=pull.pk).state == Pull.State.DONE


def test_a_failure_is_kept_with_its_hint(admin: User) -> None:
    pull = claimed(admin)
    failure = ModelMissing("No such thing.", hint="Look closer.")
    ended = services.pull_finish(pull_id=pull.pk, holder="here", progress=HALF, failure=failure)
    assert ended is not None
    assert (ended.state, ended.error_code, ended.error_hint) == (Pull.State.FAILED, "model_missing", "Look closer.")


def test_running_downloads_come_first_and_old_ones_not_at_all(admin: User) -> None:
    old, ended, running = claimed(admin, "old"), claimed(admin, "ended"), claimed(admin, "running")
    for pull in (old, ended):
        services.pull_finish(pull_id=pull.pk, holder="here", progress=HALF)
    Pull.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(hours=1))
    assert selectors.pulls_recent(user=cast.alice(), now=timezone.now()) == [running, ended]


def test_a_download_that_is_not_there_is_not_found(admin: User) -> None:
    with pytest.raises(NotFound):
        selectors.pull_get(user=admin, pull_id=uuid.uuid4())


def test_ended_downloads_are_forgotten_in_time(admin: User) -> None:
    ended, running = claimed(admin, "ended"), claimed(admin, "running")
    services.pull_finish(pull_id=ended.pk, holder="here", progress=HALF)
    assert services.pulls_forget(before=timezone.now() + LATER) == 1
    assert list(Pull.objects.all()) == [running]
