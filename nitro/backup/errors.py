"""What can go wrong with a backup, said in a sentence for people."""

from __future__ import annotations


class BackupError(Exception):
    """A backup cannot be made or restored; the text says why and what to do. Nothing was changed."""
