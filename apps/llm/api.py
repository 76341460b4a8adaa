"""The HTTP interface of models: what there is, and for administrators installing and removing."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from asgiref.sync import async_to_sync
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.llm import pulls, removal, selectors, services
from apps.llm.catalogue import catalogue
from apps.llm.models import Pull


class FitOutput(serializers.Serializer[Any]):
    """How a model fits into this machine."""

    level = serializers.CharField()
    sentence = serializers.CharField()
    memory = serializers.IntegerField()


class ModelOutput(serializers.Serializer[Any]):
    """A model as programs see it."""

    choice = serializers.CharField()
    name = serializers.CharField()
    provider = serializers.CharField()
    server = serializers.CharField()
    size = serializers.IntegerField()
    parameters = serializers.CharField()
    quantisation = serializers.CharField()
    context_window = serializers.IntegerField()
    abilities = serializers.ListField(child=serializers.CharField())
    loaded = serializers.BooleanField()
    default = serializers.BooleanField()
    fit = FitOutput()
    removable = serializers.BooleanField()
    speed = serializers.CharField()
    quality = serializers.CharField()
    use = serializers.CharField()


class PullInput(serializers.Serializer[Any]):
    """Which model to install."""

    name = serializers.CharField(max_length=200)


def listed(results: list[Any]) -> dict[str, Any]:
    """The shape of every list of the API; these are short and have one page."""
    return {"next": None, "previous": None, "results": results}


def pull_as_json(pull: Pull) -> dict[str, Any]:
    """A download as programs see it: as in the news, with its times."""
    told = pulls.frame(pull)
    del told["kind"]
    return told | {"created_at": pull.created_at, "updated_at": pull.updated_at}


class ModelCollection(APIView):
    """Every model that can be chosen."""

    scope = "models"

    def get(self, request: Request) -> Response:
        entries = async_to_sync(catalogue)()
        return Response(listed([ModelOutput(entry).data for entry in entries]))


class ModelDetail(APIView):
    """One model, by what is sent to choose it."""

    scope = "models"

    def delete(self, request: Request, choice: str) -> Response:
        removal.model_remove(user=cast(User, request.user), choice=choice)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PullCollection(APIView):
    """Downloads: those under way, and new ones."""

    scope = "models"

    def get(self, request: Request) -> Response:
        rows = selectors.pulls_recent(user=cast(User, request.user), now=timezone.now())
        return Response(listed([pull_as_json(pull) for pull in rows]))

    def post(self, request: Request) -> Response:
        user = cast(User, request.user)
        services.administrator_required(user=user)
        given = PullInput(data=request.data)
        given.is_valid(raise_exception=True)
        pull = services.pull_start(user=user, name=given.validated_data["name"])
        async_to_sync(pulls.announce)(pull)
        return Response(pull_as_json(pull), status=status.HTTP_202_ACCEPTED)


class PullDetail(APIView):
    """One download."""

    scope = "models"

    def get(self, request: Request, pull_id: UUID) -> Response:
        return Response(pull_as_json(selectors.pull_get(user=cast(User, request.user), pull_id=pull_id)))

    def delete(self, request: Request, pull_id: UUID) -> Response:
        pull = services.pull_cancel(user=cast(User, request.user), pull_id=pull_id)
        async_to_sync(pulls.announce)(pull)
        return Response(pull_as_json(pull))
