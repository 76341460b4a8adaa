"""A gallery of the tests' own, and an engine that does as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.core import draining
from apps.images import registry
from tests.images.engines import Scripted


@pytest.fixture
def files(tmp_path: Path, settings: Settings) -> Path:
    """The folder of this test's files."""
    folder = tmp_path / "files"
    backend = {"BACKEND": "apps.core.stored.WholeFiles", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    return folder


@pytest.fixture
def engine() -> Iterator[Scripted]:
    """The engine of this process, until the test is over."""
    scripted = Scripted()
    registry.use(scripted)
    yield scripted
    registry.use(None)
    draining.reset()
