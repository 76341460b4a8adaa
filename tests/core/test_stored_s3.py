"""Files in a store that speaks S3: the same promises as those of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from pytest_django import Settings

from apps.core import diagnosis, stored
from apps.core.stored import StorageAway
from nitro.environment import SettingError
from nitro.s3 import s3_storage
from tests.core.s3_server import S3Server

NAME = "tests/ab/picture.png"
MISSING = "django-storages and boto3 are not installed: files in S3 were NOT tested. `nitro extras s3` brings them."
IS_THERE = find_spec("storages") is not None and find_spec("boto3") is not None


@pytest.fixture
def store(settings: Settings) -> Iterator[S3Server]:
    """A store of the test's own, in which files are kept."""
    if not IS_THERE:
        pytest.skip(MISSING)
    with S3Server() as server:
        backend = s3_storage(bucket="nitro", endpoint=server.url, region="us-east-1", access_key="a", secret_key="b")
        settings.STORAGES = {**settings.STORAGES, "default": backend}
        yield server


def test_what_was_saved_can_be_read_replaced_and_removed(store: S3Server) -> None:
    for content in (b"first", b"second"):
        stored.save(NAME, content)
        with stored.open_file(NAME) as file:
            assert file.read() == content
    assert list(store.objects) == [f"/nitro/{NAME}"]
    assert stored.delete([NAME]) == 0
    assert store.objects == {}


def test_what_is_missing_is_missing_there_too(store: S3Server) -> None:
    with pytest.raises(FileNotFoundError):
        stored.open_file(NAME)


def test_a_store_that_refuses_is_told(store: S3Server) -> None:
    stored.save(NAME, b"colours")
    store.is_closed = True
    with pytest.raises(StorageAway):
        stored.save(NAME, b"other colours")
    with pytest.raises(StorageAway):
        stored.open_file(NAME)
    assert stored.delete([NAME]) == 1
    store.is_closed = False
    with stored.open_file(NAME) as file:
        assert file.read() == b"colours"


def test_a_store_that_is_away_is_told(store: S3Server) -> None:
    store.server.shutdown()
    store.server.server_close()
    with pytest.raises(StorageAway):
        stored.save(NAME, b"colours")


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nitro.s3.find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r"S3_BUCKET.*nitro extras s3"):
        s3_storage(bucket="pictures", endpoint="", region="", access_key="", secret_key="")


def test_the_doctor_says_whether_the_store_lets_us_in(store: S3Server, settings: Settings) -> None:
    settings.S3_BUCKET = "nitro"
    assert [found.ok for found in diagnosis.store()] == [True]
    store.is_closed = True
    (found,) = diagnosis.store()
    assert (found.ok, found.needed) == (False, True)
    assert "S3_BUCKET" in found.hint
