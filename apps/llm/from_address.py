"""Fetches a model file from a web address into the data folder: whole or not at all, and on from where it broke off."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from apps.core.errors import Busy, Invalid, NitroError
from apps.core.machine import in_words
from apps.core.outside.download import HTTPS, Download, download
from apps.llm.gguf import MAGIC, Broken, read_head
from apps.llm.local import FOLDER
from apps.llm.services import Progress

RESERVE = 10**9  # bytes of the disk that stay free
LARGEST = 10**12
WRITE = 4 * 1024**2
LOCK_TRIES, LOCK_PAUSE = 40, 0.25
TAG_LIMIT = 200
FORGOTTEN = 7 * 86_400.0  # seconds
ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFull(NitroError):
    """There is no room for the model on this machine."""

    code = "disk_full"
    status = 507
    hint = "Free some space on the disk of the data folder, then pull again."


class NotWritten(NitroError):
    """The data folder cannot be written."""

    code = "not_written"
    hint = "Check who owns the folder `models` of the data folder, and whether its disk can be written."


class NoModel(NitroError):
    """What lies at the address is no model."""

    code = "no_model"
    status = 400
    hint = "Look for a file that ends in .gguf; a page about a model is not the model."


class FromAddress:
    """One file of the web. `schemes` other than https are for tests."""

    def __init__(self, home: Path, *, schemes: frozenset[str] = HTTPS) -> None:
        self._folder, self._schemes = home / FOLDER, schemes

    async def pull(self, name: str) -> AsyncGenerator[Progress, None]:
        """Fetch the file at the address `name`. Raises a `NitroError`; what has come is kept for the next time."""
        target = self._folder / name.rpartition("/")[2]
        yield Progress("asking for the file")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            forget_old_parts(self._folder)
            part = Part(target, name)
        except OSError as error:
            raise _told(error) from error
        try:
            await part.lock()
            async with download(name, start=part.size, tag=part.tag, schemes=self._schemes) as coming:
                self._check(target, coming)
                part.begin(coming)
                async for done in part.write(coming):
                    yield Progress("fetching", done, coming.total)
            yield Progress("checking", coming.total, coming.total)
            await asyncio.to_thread(part.finish)
        except OSError as error:
            raise _told(error) from error
        finally:
            part.close()
        yield Progress("success", coming.total, coming.total)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _check(self, target: Path, coming: Download) -> None:
        """Whether there is room for it, and no other model in its place."""
        if coming.total > LARGEST:
            raise Invalid("That file is larger than any model.")
        if target.exists() and target.stat().st_size != coming.total:
            hint = "Remove that one first (`nitro models remove`), or rename its file."
            raise Invalid(f"There is another model called {target.stem} already.", hint=hint)
        wanted, free = coming.total - coming.start, shutil.disk_usage(self._folder).free
        if wanted + RESERVE > free:
            raise DiskFull(f"{in_words(wanted)} are still to come, and {in_words(free)} are free on this disk.")


class Part:
    """What has come of a file: hidden beside the model, and named after its address, so that two are never mixed."""

    def __init__(self, target: Path, url: str) -> None:
        mark = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.target = target
        self.path = target.with_name(f".{target.name}.{mark}.part")
        self._tag_path = self.path.with_suffix(".tag")
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    @property
    def size(self) -> int:
        return os.fstat(self._file).st_size

    @property
    def tag(self) -> str:
        """The version of the file that this is a part of."""
        try:
            return self._tag_path.read_text(encoding="utf-8")[:TAG_LIMIT]
        except (OSError, UnicodeDecodeError):
            return ""

    async def lock(self) -> None:
        """Wait for a process that is just letting go of it. Raises `Busy`."""
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_PAUSE)
            else:
                return
        raise Busy("This file is being fetched already.", hint="Wait until it is there.")

    def begin(self, coming: Download) -> None:
        """Keep what can be gone on with, and note which version it is."""
        self._tag_path.write_text(coming.tag, encoding="utf-8")
        os.ftruncate(self._file, coming.start)
        os.lseek(self._file, coming.start, os.SEEK_SET)

    async def write(self, coming: Download) -> AsyncGenerator[int, None]:
        """Write what comes and tell the bytes that are there; a file that begins as no model does is given up."""
        done, waiting = coming.start, bytearray()
        async for piece in coming.pieces():
            waiting += piece
            if len(waiting) < WRITE and done + len(waiting) < coming.total:
                continue
            if done == 0 and not waiting.startswith(MAGIC):
                raise NoModel("What lies at that address is no model file.")
            await asyncio.to_thread(_write_all, self._file, bytes(waiting))
            done += len(waiting)
            waiting.clear()
            yield done

    def finish(self) -> None:
        """Look whether it is a whole model, and give it its name. Raises `NoModel`."""
        os.fsync(self._file)
        try:
            read_head(self.path)
        except Broken as problem:
            os.ftruncate(self._file, 0)
            raise NoModel(f"What lies at that address is no model that can be used: {problem}.") from problem
        self.path.rename(self.target)
        self._tag_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what has come; where nothing has, leave nothing behind."""
        if self.path.exists() and not self.size:
            self.path.unlink()
            self._tag_path.unlink(missing_ok=True)
        os.close(self._file)


def forget_old_parts(folder: Path) -> None:
    """Delete what was begun and left alone for a week."""
    for path in folder.glob(".*.part"):
        if time.time() - path.stat().st_mtime > FORGOTTEN:
            path.unlink(missing_ok=True)
            path.with_suffix(".tag").unlink(missing_ok=True)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _told(error: OSError) -> NitroError:
    if error.errno in ROOM:
        return DiskFull("The disk of the data folder is full.")
    return NotWritten(f"The model cannot be written: {error.strerror or type(error).__name__}.")
