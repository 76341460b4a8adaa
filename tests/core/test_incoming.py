"""Large files of forms wait in a temporary file that bears nobody's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory
from pytest_django import Settings


@pytest.mark.parametrize("name", ["Letters.of my divorce", "a." + "b" * 250, "плёнка.речь", "no end"])
def test_the_temporary_file_is_not_called_like_the_senders(settings: Settings, name: str) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    request = RequestFactory().post("/", {"file": SimpleUploadedFile(name, b"content")})
    file = request.FILES["file"]
    assert isinstance(file, TemporaryUploadedFile)
    assert (file.name, file.read()) == (name, b"content")
    assert Path(file.temporary_file_path()).name.endswith(".upload")
    request.close()
