"""Files of forms on their way in: large ones wait in a temporary file that bears nobody's words."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

NAME = "upload"


class NamelessFiles(TemporaryFileUploadHandler):
    """As Django's, which ends a temporary file's name like the sender's file.

    That end may be a sentence, which then stands in the folder for temporary files and in the errors about it, or be
    longer than names of files can be, which was a 500.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; its sender's name stays with the object alone."""
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = TemporaryUploadedFile(NAME, self.content_type, 0, self.charset, self.content_type_extra)
        self.file.name = self.file_name
