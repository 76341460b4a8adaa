"""Pictures for OpenAI's clients: POST /v1/images/generations. It waits until they are drawn."""

from __future__ import annotations

import asyncio
import base64
import re
import threading
import time
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.accounts.models import User
from apps.core import stored
from apps.core.database import in_database
from apps.core.endpoints import Endpoint, given, waited
from apps.core.errors import Busy, Invalid, NitroError
from apps.core.idempotency import answer_once, key_free, key_of
from apps.core.schema import AGAIN
from apps.images import jobs, names, registry, selectors, services
from apps.images.models import Image, ImageJob
from apps.images.orders import LONGEST_PROMPT, MOST_PICTURES, Order

LOOK_SECONDS = 0.2
LONGEST_SECONDS = 900.0
MOST_WAITING = 8  # of the threads that pages need too
_waiting = threading.BoundedSemaphore(MOST_WAITING)


class NotDrawn(NitroError):
    """The job came to no good end."""

    code = "image_failed"
    status = 502
    permanent = False


class StillDrawing(NotDrawn):
    """The job goes on, but nobody waits for it any longer."""

    code = "timeout"
    status = 504


class GenerationInput(serializers.Serializer[Any]):
    """OpenAI's names; what else OpenAI knows (`quality`, `style`, `user` …) is taken and has no effect."""

    prompt = serializers.CharField(max_length=LONGEST_PROMPT)
    model = serializers.CharField(required=False, allow_blank=True, help_text="Any name means the configured engine.")
    n = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MOST_PICTURES)
    size = serializers.CharField(required=False, allow_null=True, help_text="Such as 1024x1024, or auto.")
    response_format = serializers.ChoiceField(["url", "b64_json"], required=False, allow_null=True)
    seed = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**32 - 1)


class GeneratedOutput(serializers.Serializer[Any]):
    url = serializers.CharField(required=False)
    b64_json = serializers.CharField(required=False)


class GenerationsOutput(serializers.Serializer[Any]):
    created = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """`data` is also the name of something in the framework, so that it cannot stand above."""
        return {**super().get_fields(), "data": GeneratedOutput(many=True)}


class Generations(Endpoint):
    """Pictures in one request."""

    scope = "images"
    tag = "OpenAI"

    @extend_schema(request=GenerationInput, responses=GenerationsOutput, parameters=[AGAIN])
    def post(self, request: Request) -> Response:
        """Draw, and answer when it is done. For long work `/api/images/` is better: it answers at once.

        Who leaves cancels the work, unless they may come back for it with their `Idempotency-Key`.
        """
        if not _waiting.acquire(blocking=False):
            raise Busy(
                "Too many programs wait for pictures at once.", hint="Order at /api/images/ instead.", retry_after=5
            )
        try:
            images = drawn(request, ordered(request))
        finally:
            _waiting.release()
        form = given(GenerationInput, request).get("response_format")
        data = [told(request, image, form) for image in images]
        return Response({"created": int(time.time()), "data": data})


def ordered(request: Request) -> UUID:
    """The job of this request; with a key, the one that was ordered with it before."""

    def begin() -> Response:
        order = order_of(given(GenerationInput, request))
        return Response({"job": str(services.job_create(user=caller(request), order=order).job.id)}, status=202)

    key = key_of(request)
    return UUID((answer_once(request, key, begin) if key else begin()).data["job"])


def order_of(wanted: dict[str, Any]) -> Order:
    width, height = size_of(wanted.get("size") or "auto")
    return Order(wanted["prompt"], width=width, height=height, count=wanted.get("n") or 1, seed=wanted.get("seed"))


def size_of(text: str) -> tuple[int, int]:
    """`1024x1024`, or the engine's own size for `auto`."""
    if text == "auto":
        return registry.engine().limits.standard
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if found is None:
        raise Invalid("size must look like 1024x1024.", code="size")
    return int(found[1]), int(found[2])


def drawn(request: Request, job_id: UUID) -> list[Image]:
    """The job's pictures; a key whose job has failed may be used anew."""
    try:
        return waited(finished, caller(request), job_id, may_leave=bool(key_of(request)))
    except StillDrawing:
        raise
    except NitroError:
        if key_of(request):
            key_free(request)
        raise


async def finished(user: User, job_id: UUID, *, may_leave: bool) -> list[Image]:
    """Wait for a job's pictures. Raises `NotDrawn`. Unless they `may_leave`, who goes before cancels the job."""
    try:
        return await _finished(user, job_id)
    except asyncio.CancelledError:
        if not may_leave:
            await in_database(services.job_cancel, user=user, job_id=job_id)
        raise


async def _finished(user: User, job_id: UUID) -> list[Image]:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        job = await in_database(selectors.job_get, user=user, job_id=job_id)
        if job.is_over:
            return await in_database(_images, job)
        await asyncio.sleep(LOOK_SECONDS)
    raise StillDrawing("The pictures are not done yet.", hint=f"Look at /api/images/{job_id}/ later.")


def _images(job: ImageJob) -> list[Image]:
    if job.state != ImageJob.State.DONE:
        message = job.error_message or "The job was cancelled."
        raise NotDrawn(message, code=job.error_code, hint=job.error_hint)
    return jobs.shown(job)


def told(request: Request, image: Image, form: str | None) -> dict[str, str]:
    """The picture as it was asked for; both ways where nothing was said, since OpenAI's models differ there."""
    return (content_of(image) if form != "url" else {}) | (address_of(request, image) if form != "b64_json" else {})


def content_of(image: Image) -> dict[str, str]:
    with stored.open_file(names.stored(image.file)) as file:
        return {"b64_json": base64.b64encode(file.read()).decode("ascii")}


def address_of(request: Request, image: Image) -> dict[str, str]:
    """Where the owner's browser, or a program with the same key, finds the picture."""
    return {"url": request.build_absolute_uri(jobs.address(image.file))}
