"""The HTTP interface of models: what there is, and for administrators installing and removing."""

from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.core.endpoints import Endpoint, given, waited
from apps.core.idempotency import idempotent
from apps.llm import pulls, removal, selectors, services
from apps.llm.catalogue import ABILITIES, catalogue
from apps.llm.fitting import Level
from apps.llm.models import NAME_LIMIT, Pull

LEVELS = get_args(Level)


class FitOutput(serializers.Serializer[Any]):
    """How a model fits into this machine."""

    level = serializers.ChoiceField(choices=LEVELS)
    sentence = serializers.CharField(help_text="The same for people, with figures.")
    memory = serializers.IntegerField(help_text="Bytes that it takes while it runs; 0 where unknown.")


class EntryOutput(serializers.Serializer[Any]):
    """A model that can be chosen. Figures are 0, and words empty, where its server does not tell."""

    choice = serializers.CharField(help_text="What to send as `model`.")
    name = serializers.CharField()
    provider = serializers.CharField()
    server = serializers.CharField(help_text="The provider's name for people.")
    size = serializers.IntegerField(help_text="Bytes on disk.")
    parameters = serializers.CharField()
    quantisation = serializers.CharField()
    context_window = serializers.IntegerField(help_text="Tokens.")
    abilities = serializers.ListField(child=serializers.ChoiceField(choices=ABILITIES))
    loaded = serializers.BooleanField(help_text="Whether it is in memory, so that it answers at once.")
    default = serializers.BooleanField(help_text="Whether it answers where no model is named.")
    fit = FitOutput()
    removable = serializers.BooleanField()
    speed = serializers.CharField()
    quality = serializers.CharField()
    use = serializers.CharField()


class CatalogueOutput(serializers.Serializer[Any]):
    """All models, in one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = EntryOutput(many=True)


class PullInput(serializers.Serializer[Any]):
    """Which model to install."""

    name = serializers.CharField(
        max_length=NAME_LIMIT, help_text="As Ollama's library names it, or the https address of a file."
    )


class PullErrorOutput(serializers.Serializer[Any]):
    """Why a download failed."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField()


class PullOutput(serializers.Serializer[Any]):
    """A download."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Pull.State.values)
    status = serializers.CharField(help_text="The server's own word for what it does.")
    completed = serializers.IntegerField(help_text="Bytes.")
    total = serializers.IntegerField(help_text="Bytes of what is known so far; 0 at first.")
    error = PullErrorOutput(required=False)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PullsOutput(serializers.Serializer[Any]):
    """The downloads under way and those that ended in the last ten minutes, in one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = PullOutput(many=True)


LLAMA = OpenApiExample("A model of Ollama's library", {"name": "llama3.2"}, request_only=True)


def listed(results: list[Any]) -> dict[str, Any]:
    """The shape of every list of the API; these are short and have one page."""
    return {"next": None, "previous": None, "results": results}


def pull_as_json(pull: Pull) -> dict[str, Any]:
    """A download as programs see it: as in the news, with its times."""
    told = pulls.frame(pull)
    del told["kind"]
    return told | {"created_at": pull.created_at, "updated_at": pull.updated_at}


class ModelCollection(Endpoint):
    """Every model that can be chosen."""

    scope = "models"
    tag = "models"
    waits = True

    @extend_schema(responses=CatalogueOutput)
    def get(self, request: Request) -> Response:
        """All models of all servers that answer, with what they can do and whether they suit this machine."""
        return Response(listed([EntryOutput(entry).data for entry in waited(catalogue)]))


class ModelDetail(Endpoint):
    """One model, by what is sent to choose it."""

    scope = "models"
    tag = "models"
    waits = True

    @extend_schema(responses={204: None})
    def delete(self, request: Request, choice: str) -> Response:
        """Remove a model from the disk. For administrators; models of Ollama and files of the data folder."""
        removal.model_remove(user=caller(request), choice=choice)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PullCollection(Endpoint):
    """Downloads: those under way, and new ones."""

    scope = "models"
    tag = "models"

    @extend_schema(responses=PullsOutput)
    def get(self, request: Request) -> Response:
        """The downloads under way, and those that ended a moment ago."""
        rows = selectors.pulls_recent(user=caller(request), now=timezone.now())
        return Response(listed([pull_as_json(pull) for pull in rows]))

    @extend_schema(request=PullInput, responses={202: PullOutput}, examples=[LLAMA])
    @idempotent
    def post(self, request: Request) -> Response:
        """Install a model, or look on where that is under way already. For administrators."""
        services.administrator_required(user=caller(request))
        pull = services.pull_start(user=caller(request), **given(PullInput, request))
        waited(pulls.announce, pull)
        return Response(pull_as_json(pull), status=status.HTTP_202_ACCEPTED)


class PullDetail(Endpoint):
    """One download."""

    scope = "models"
    tag = "models"

    @extend_schema(responses=PullOutput)
    def get(self, request: Request, pull_id: UUID) -> Response:
        """How a download stands."""
        return Response(pull_as_json(selectors.pull_get(user=caller(request), pull_id=pull_id)))

    @extend_schema(responses=PullOutput)
    def delete(self, request: Request, pull_id: UUID) -> Response:
        """Cancel a download; what has come is kept for the next one. For administrators."""
        pull = services.pull_cancel(user=caller(request), pull_id=pull_id)
        waited(pulls.announce, pull)
        return Response(pull_as_json(pull))
