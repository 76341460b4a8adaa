"""Pictures for programs: order, list, look at, cancel."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.core.api import failure_of
from apps.core.endpoints import Endpoint, given
from apps.core.errors import NitroError
from apps.core.idempotency import idempotent
from apps.core.paging import page_of
from apps.core.schema import paged
from apps.images import jobs, registry, selectors, services
from apps.images.orders import LARGEST_SEED, LONGEST_PROMPT, MOST_PICTURES, MOST_STEPS, Order

MOST_ORDERS = 32


class OrderInput(serializers.Serializer[Any]):
    """What to draw. `n` pictures have the seeds `seed`, `seed` + 1 …; without a seed each order is another one."""

    prompt = serializers.CharField(max_length=LONGEST_PROMPT)
    negative_prompt = serializers.CharField(max_length=LONGEST_PROMPT, required=False, allow_blank=True, default="")
    width = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    height = serializers.IntegerField(required=False, min_value=1, max_value=100_000)
    steps = serializers.IntegerField(required=False, default=20, min_value=1, max_value=MOST_STEPS)
    guidance = serializers.FloatField(required=False, default=7.0, min_value=0, max_value=30)
    seed = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=LARGEST_SEED)
    n = serializers.IntegerField(required=False, default=1, min_value=1, max_value=MOST_PICTURES)


class PictureOutput(serializers.Serializer[Any]):
    """One finished picture; the addresses answer to its owner alone."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    thumbnail_url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    seed = serializers.IntegerField()


class TroubleOutput(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField()


class JobOutput(serializers.Serializer[Any]):
    """An order and what came of it."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed", "cancelled"])
    progress = serializers.FloatField(min_value=0, max_value=1)
    position = serializers.IntegerField(required=False, help_text="Its place among all that wait, counted from 1.")
    error = TroubleOutput(required=False)
    images = PictureOutput(many=True)
    prompt = serializers.CharField()
    negative_prompt = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    steps = serializers.IntegerField()
    guidance = serializers.FloatField()
    seed = serializers.IntegerField()
    n = serializers.IntegerField()
    engine = serializers.CharField()
    model = serializers.CharField()
    cached = serializers.BooleanField(required=False, help_text="These pictures were there already.")
    created_at = serializers.DateTimeField()


class OrdersInput(serializers.Serializer[Any]):
    """Several orders at once."""

    requests = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_ORDERS)


class AnswerOutput(serializers.Serializer[Any]):
    """What became of one of several orders: `job` with status 202, or what is wrong with it."""

    status = serializers.IntegerField()
    job = JobOutput(required=False)
    error = serializers.DictField(required=False)


class AnswersOutput(serializers.Serializer[Any]):
    results = AnswerOutput(many=True)


SUNSET = OpenApiExample("A sunset", {"prompt": "sunset over the sea", "width": 768, "height": 512}, request_only=True)


class Jobs(Endpoint):
    """All orders of the user."""

    scope = "images"
    tag = "images"

    @extend_schema(**paged(JobOutput))
    def get(self, request: Request) -> Response:
        """The orders, newest first."""
        rows = selectors.jobs_of(user=caller(request))
        return page_of(request, rows, JobRow, "-created_at", "id")

    @extend_schema(request=OrderInput, responses={202: JobOutput}, examples=[SUNSET])
    @idempotent
    def post(self, request: Request) -> Response:
        """Order pictures. They come by themselves: look at the job until its state is `done`."""
        ordered = services.job_create(user=caller(request), order=order_of(given(OrderInput, request)))
        return Response(jobs.shape(ordered.job, cached=ordered.cached), status=status.HTTP_202_ACCEPTED)


class JobBatch(Endpoint):
    """Several orders in one request."""

    scope = "images"
    tag = "images"

    @extend_schema(request=OrdersInput, responses={202: AnswersOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Order several things at once; each is taken or refused by itself, and the answers are in order."""
        wanted = given(OrdersInput, request)["requests"]
        return Response({"results": [self.one(request, item) for item in wanted]}, status=status.HTTP_202_ACCEPTED)

    def one(self, request: Request, item: dict[str, Any]) -> dict[str, Any]:
        shape = OrderInput(data=item)
        try:
            shape.is_valid(raise_exception=True)
            ordered = services.job_create(user=caller(request), order=order_of(shape.validated_data))
        except (serializers.ValidationError, NitroError) as error:
            failure = failure_of(error)
            return {"status": failure.status, "error": failure.body(request.path)} if failure else {"status": 500}
        return {"status": 202, "job": jobs.shape(ordered.job, cached=ordered.cached)}


class OneJob(Endpoint):
    """One order."""

    scope = "images"
    tag = "images"

    @extend_schema(responses=JobOutput)
    def get(self, request: Request, job_id: UUID) -> Response:
        """How an order stands."""
        return Response(jobs.shape(selectors.job_get(user=caller(request), job_id=job_id)))


class JobCancel(Endpoint):
    """Ending an order."""

    scope = "images"
    tag = "images"

    @extend_schema(request=None, responses=JobOutput)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel an order: at once where it waits, within two seconds where it is being drawn."""
        return Response(jobs.shape(services.job_cancel(user=caller(request), job_id=job_id)))


class JobRow(serializers.BaseSerializer[Any]):
    """A job in a list."""

    def to_representation(self, instance: Any) -> Any:
        return jobs.shape(instance)


def order_of(values: dict[str, Any]) -> Order:
    """The order in checked input, of the engine's usual size where none is named."""
    width, height = registry.engine().limits.standard
    values = {"width": width, "height": height, **values}
    return Order(count=values.pop("n"), **values)
