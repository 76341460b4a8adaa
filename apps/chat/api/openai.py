"""OpenAI's addresses for browsers and for the documentation. Programs with a key are answered in `rooms.py`."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import caller
from apps.chat.admission import ChatThrottle
from apps.chat.api.streams import EVENTS, STREAMED, event_stream
from apps.chat.completions import answering, embedding
from apps.chat.completions.pictures import pictures_fetch
from apps.chat.completions.wire import asked_from
from apps.core.endpoints import Endpoint, waited
from apps.llm.errors import ModelMissing
from apps.llm.router import default_options, router


class CompletionMessage(serializers.Serializer[Any]):
    """Who said what; `content` is a text, or a list of parts (`text`; `image_url`: a data URL or web address)."""

    role = serializers.ChoiceField(choices=["system", "developer", "user", "assistant", "tool"])
    content = serializers.JSONField()


class CompletionInput(serializers.Serializer[Any]):
    """What OpenAI's clients send; fields that are not named here are passed over."""

    model = serializers.CharField(required=False, help_text="As in `/v1/models`; `auto` for the default.")
    messages = CompletionMessage(many=True)
    stream = serializers.BooleanField(required=False)
    stream_options = serializers.DictField(required=False, help_text='`{"include_usage": true}`')
    max_completion_tokens = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    max_tokens = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, min_value=0, max_value=1)
    seed = serializers.IntegerField(required=False)
    stop = serializers.JSONField(required=False, help_text="A text, or up to four of them.")
    response_format = serializers.DictField(required=False, help_text="`json_object`, or `json_schema` with a schema.")
    tools = serializers.ListField(child=serializers.DictField(), required=False)
    tool_choice = serializers.JSONField(required=False)
    n = serializers.IntegerField(required=False, min_value=1, max_value=1)
    store = serializers.BooleanField(required=False, help_text="Keep it as a chat; it is not kept otherwise.")


class CompletionUsage(serializers.Serializer[Any]):
    """Tokens, as the provider counted them or as they were estimated."""

    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class CompletionChoice(serializers.Serializer[Any]):
    """The one answer."""

    index = serializers.IntegerField()
    message = serializers.DictField()
    finish_reason = serializers.CharField()


class CompletionOutput(serializers.Serializer[Any]):
    """A whole answer."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    model = serializers.CharField()
    choices = CompletionChoice(many=True)
    usage = CompletionUsage()


QUESTION = OpenApiExample(
    "A question",
    {"model": "auto", "messages": [{"role": "user", "content": "Write a haiku about bread."}], "max_tokens": 60},
    request_only=True,
)


class ChatCompletions(Endpoint):
    """OpenAI's chat completions."""

    scope = "chat"
    tag = "OpenAI"
    throttle_classes = (ChatThrottle,)
    waits = True

    @extend_schema(
        request=CompletionInput,
        responses={200: CompletionOutput, (200, EVENTS): STREAMED},
        examples=[QUESTION],
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Ask a model, as OpenAI's clients do; with `stream` the words come while they are written."""
        waited(pictures_fetch, request.data)
        asked = asked_from(request.data, default_options())
        if asked.stream:
            return event_stream(request, answering.pieces(user=caller(request), asked=asked))
        return Response(waited(answering.whole, user=caller(request), asked=asked))


class EmbeddingInput(serializers.Serializer[Any]):
    """Texts that shall become vectors."""

    model = serializers.CharField(required=False, help_text="An embedding model of a server, as in `/v1/models`.")
    input = serializers.JSONField(help_text="A text, or a list of up to 256.")
    encoding_format = serializers.ChoiceField(choices=["float", "base64"], required=False)


class EmbeddingUsage(serializers.Serializer[Any]):
    """Tokens, as the provider counted them."""

    prompt_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class EmbeddingOutput(serializers.Serializer[Any]):
    """One vector for each text."""

    object = serializers.CharField()
    data = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # OpenAI's name for it
    model = serializers.CharField()
    usage = EmbeddingUsage()


TEXTS = OpenApiExample("Two texts", {"model": "ollama:nomic-embed-text", "input": ["bread", "cake"]}, request_only=True)


class Embeddings(Endpoint):
    """OpenAI's embeddings."""

    scope = "chat"
    tag = "OpenAI"
    throttle_classes = (ChatThrottle,)
    waits = True

    @extend_schema(request=EmbeddingInput, responses=EmbeddingOutput, examples=[TEXTS])
    def post(self, request: Request) -> Response:
        """Texts as vectors, from a server that has an embedding model: Ollama, or one that speaks OpenAI's wire."""
        wanted = embedding.wanted_from(request.data)
        return Response(waited(embedding.embeddings, user=caller(request), wanted=wanted))


class ModelOutput(serializers.Serializer[Any]):
    """A model, as OpenAI's clients know it."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class ModelsOutput(serializers.Serializer[Any]):
    """All models that can be chosen now."""

    object = serializers.CharField()
    data = ModelOutput(many=True)  # type: ignore[assignment]  # OpenAI's name for it


class Models(Endpoint):
    """OpenAI's list of models."""

    scope = "chat"
    tag = "OpenAI"

    @extend_schema(responses=ModelsOutput)
    def get(self, request: Request) -> Response:
        """The models that can be chosen now: those of every server that answers, and `auto` for the default."""
        return Response({"object": "list", "data": list(models().values())})


class OneModel(Endpoint):
    """One model of OpenAI's list."""

    scope = "chat"
    tag = "OpenAI"

    @extend_schema(responses=ModelOutput)
    def get(self, request: Request, model: str) -> Response:
        """A model by its name in the list."""
        found = models().get(model)
        if found is None:
            raise ModelMissing(f"There is no model {model!r}.", hint="`/v1/models` lists those that there are.")
        return Response(found)


def models() -> dict[str, dict[str, Any]]:
    """What can be chosen now, by its name."""
    offers = waited(router().models)
    names = {"auto": "nitro"} | {offer.choice: offer.provider for offer in offers}
    return {name: {"id": name, "object": "model", "created": 0, "owned_by": owner} for name, owner in names.items()}
