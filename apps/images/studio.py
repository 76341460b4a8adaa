"""Where jobs are drawn: takes one after the other, watches over each, and saves how it ended.

The watching is done in Celery's threads, with a database connection each. The engines themselves run in one event loop
of the process, so that their connections and processes stay between pictures.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import threading
import time
import uuid
from concurrent.futures import Future, wait
from functools import cache

from django.db import DatabaseError

from apps.core import draining, stored, tracing
from apps.core.errors import Invalid, NitroError
from apps.images import hearing, names, pictures, registry, selectors, services, sketches
from apps.images.configuration import configured
from apps.images.errors import EngineSlow
from apps.images.models import ImageJob
from apps.images.providers.base import Engine, Sheet, Sketch
from apps.images.services import Drawn

logger = logging.getLogger(__name__)
TICK = 0.5
NEWS_SECONDS = 0.1
INCARNATION = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
_rooms: dict[str, threading.Semaphore] = {}
_door = threading.Lock()


def work() -> int:
    """Draw what waits until nothing does, or this process is about to stop. Returns how many jobs that were.

    As many threads as the engine has room for do so at the same time; one more returns at once.
    """
    engine = registry.engine()
    drawn = 0
    while not draining.is_draining() and selectors.queued_exist():
        room = _room(engine)
        if not room.acquire(blocking=False):
            break
        try:
            while not draining.is_draining() and (job := services.job_claim(worker=INCARNATION)):
                Drawing(job, engine).run()
                drawn += 1
        finally:
            room.release()
    return drawn


def _room(engine: Engine) -> threading.Semaphore:
    with _door:
        return _rooms.setdefault(engine.kind, threading.Semaphore(engine.limits.room))


class Drawing:
    """One job from its claim to its end."""

    def __init__(self, job: ImageJob, engine: Engine) -> None:
        self.job = job
        self.engine = engine
        self.parts = [0.0] * job.count
        self.previews = 0
        self.told = 0.0
        self.late: asyncio.TimerHandle | None = None  # tells what was reported too soon after something else

    def run(self) -> None:
        """Draw it. Afterwards the row says the truth; or its lease ends and somebody else sees to it."""
        with tracing.during(self.job.asked_by):
            hearing.tell(self.job)
            try:
                self._end(self._unsuited() or self._drawn())
            except DatabaseError as error:
                logger.warning("The job %s is left to its lease: the database does not answer: %s", self.job.id, error)

    def _unsuited(self) -> NitroError | None:
        """Why this engine cannot draw what was ordered from another one, before the settings were changed."""
        try:
            services.job_adopt(job=self.job, engine=self.engine)
        except Invalid as error:
            return error
        return None

    def _drawn(self) -> list[bytes] | NitroError | str:
        """The pictures; or what went wrong; or "cancel", "lost" or "leave" where it was broken off."""
        task = asyncio.run_coroutine_threadsafe(self._all(), loop())
        word = self._watch(task)
        if word:
            task.cancel()
            wait([task], timeout=5)
            return word
        try:
            return task.result()
        except NitroError as error:
            return error
        except Exception:  # a defect of an engine must not leave a job that waits for ever
            logger.exception("An engine failed in a way that it should not.")
            return NitroError("The image engine failed in an unexpected way.", hint="The log says more. Try again.")

    def _watch(self, task: Future[list[bytes]]) -> str:
        """Renew the lease until the pictures are there; a word where they are not to be waited for."""
        while not task.done():
            wait([task], timeout=TICK)
            if draining.is_draining() and not task.done():
                return "leave"
            wish = services.job_beat(job=self.job, progress=self.progress)
            if wish != "go on":
                return wish
        return ""

    def _end(self, result: list[bytes] | NitroError | str) -> None:
        match result:
            case "lost":
                services.files_discard(job=self.job)
            case "leave":
                services.job_give_back(job=self.job)
            case "cancel":
                services.job_cancelled(job=self.job)
            case NitroError():
                services.job_fail(job=self.job, error=result)
            case list():
                self._save(result)
        hearing.tell(ImageJob.objects.get(id=self.job.id))
        sketches.forget(job_id=self.job.id)

    def _save(self, contents: list[bytes]) -> None:
        """Keep the files, then the rows; of what cannot be kept nothing stays."""
        try:
            drawn = [self._kept(position, content) for position, content in enumerate(contents)]
        except NitroError as error:
            services.files_discard(job=self.job)
            services.job_fail(job=self.job, error=error)
            return
        if not services.job_finish(job=self.job, drawn=drawn):
            services.job_cancelled(job=self.job)

    def _kept(self, position: int, content: bytes) -> Drawn:
        picture = pictures.read(content)
        file = names.picture(self.job.id, self.job.attempts, position, picture.suffix)
        thumbnail = names.thumbnail(self.job.id, self.job.attempts, position)
        stored.save(names.stored(file), picture.content)
        stored.save(names.stored(thumbnail), picture.thumbnail)
        services.job_beat(job=self.job, progress=self.progress)
        return Drawn(
            position=position,
            file=file,
            thumbnail=thumbnail,
            width=picture.width,
            height=picture.height,
            size=len(picture.content),
            digest=hashlib.sha256(picture.content).hexdigest(),
            seed=self.job.seed + position,
        )

    # --- in the loop of the engines ---

    async def _all(self) -> list[bytes]:
        """All pictures of the job, as many at once as the engine takes."""
        abreast = asyncio.Semaphore(self.engine.limits.abreast)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(place, abreast)) for place in range(self.job.count)]
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            self._quiet()
        return [task.result() for task in tasks]

    async def _one(self, position: int, abreast: asyncio.Semaphore) -> bytes:
        job = self.job
        sheet = Sheet(
            prompt=job.prompt,
            negative_prompt=job.negative_prompt,
            width=job.width,
            height=job.height,
            steps=job.steps,
            guidance=job.guidance,
            seed=job.seed + position,
        )
        async with abreast:
            try:
                async with asyncio.timeout(configured().image_seconds):
                    content = await self.engine.draw(sheet, lambda sketch: self._report(position, sketch))
            except TimeoutError as error:
                raise EngineSlow(f"The picture took longer than {configured().image_seconds:g} seconds.") from error
        self._report(position, Sketch(1.0))
        return content

    @property
    def progress(self) -> float:
        return min(0.99, sum(self.parts) / len(self.parts))

    def _report(self, position: int, sketch: Sketch) -> None:
        """Tell whoever looks; of many reports in a tenth of a second the first and the last."""
        self.parts[position] = max(self.parts[position], min(1.0, max(0.0, sketch.progress)))
        self._quiet()
        due = self.told + NEWS_SECONDS - time.monotonic()
        if due <= 0:
            self._tell(sketch)
        else:  # an engine that is slow may have nothing more to say for minutes
            self.late = asyncio.get_running_loop().call_later(due, self._tell, sketch)

    def _quiet(self) -> None:
        if self.late is not None:
            self.late.cancel()

    def _tell(self, sketch: Sketch) -> None:
        self.told = time.monotonic()
        if sketch.preview and sketches.keep(job_id=self.job.id, user_id=self.job.owner_id, content=sketch.preview):
            self.previews += 1
        hearing.progress(
            user_id=self.job.owner_id,
            job_id=self.job.id,
            part=self.progress,
            preview=self.previews,
            note=sketch.note,
        )


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop in which the engines of this process work."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="engines", daemon=True).start()
    return made
