"""All that knows `google-generativeai`: what we ask with it, what comes back, and what goes wrong. Slow to import.

The library's façade is passed by: it keeps one key and one address for the whole process, waits ten minutes, asks
again on its own, and has no way to stop an answer. The clients it is made of have all that: docs/decisions.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import orjson
import requests
import urllib3
from google.ai.generativelanguage import GenerativeServiceClient, ModelServiceClient
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.generativeai import protos
from google.protobuf.json_format import Error as JsonError

from apps.llm.errors import Garbled, ModelMissing, ProviderError, Refused, TimedOut, Unreachable
from apps.llm.events import Event, Finished, TextDelta, ToolCall, Usage
from apps.llm.messages import Call, Message, Role
from apps.llm.providers.base import ModelInfo, Timeouts
from apps.llm.providers.failures import excerpt
from apps.llm.providers.gemini_connections import Adapter
from apps.llm.providers.gemini_failures import BLOCKED, THINKING_HINT, failure_of_block, failure_of_status
from apps.llm.providers.openai_request import CONTINUE

DRIVER_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    GoogleAPIError,
    GoogleAuthError,
    JsonError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
POOL = 64
BODY_LIMIT = 64 * 1024
STOP_LIMIT = 5
MODEL_NAME = re.compile(r"(?:(?:models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Account:
    """A key at an address. Everything here blocks, and is called in the thread of a `Line`."""

    def __init__(self, key: str, base_url: str, where: str, timeouts: Timeouts) -> None:
        self.where = where
        self._key = key
        self._adapter = Adapter(pool_maxsize=POOL)
        # A line that nobody reads any more is cut from outside; this is for a cut that comes to nothing.
        self._limits = (timeouts.connect, max(timeouts.first, timeouts.silence) + 5.0)
        options = {"api_key": key, "api_endpoint": base_url or None}
        self._answers = GenerativeServiceClient(transport="rest", client_options=options)
        self._models = ModelServiceClient(transport="rest", client_options=options)
        for client in (self._answers, self._models):
            session = client.transport._session  # there is no other way to it
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
            session.hooks["response"].append(self._check)

    def answer(self, call: Call) -> Generator[list[Event], None, None]:
        """The events of an answer, some at a time, none of the lists empty. Raises a `ProviderError`."""
        reply = Reply(self.where)
        try:
            chunks = self._answers.stream_generate_content(request(call), retry=None, timeout=self._patient)
            try:
                for chunk in chunks:
                    if events := reply.take(chunk):
                        yield events
                    if reply.failure is not None:
                        raise reply.failure
            finally:
                chunks.cancel()
        except DRIVER_ERRORS as error:
            if not reply.done:  # after its end an answer cannot be spoiled any more
                raise self._failure(error) from None
        if events := reply.end():
            yield events
        if reply.failure is not None:
            raise reply.failure

    def models(self) -> Generator[list[ModelInfo], None, None]:
        """One list: the models that can chat."""
        yield [_model(model) for model in self._listed(1000) if "generateContent" in model.supported_generation_methods]

    def reachable(self) -> Generator[bool, None, None]:
        """One True where the service answers and takes the key."""
        next(iter(self._listed(1)), None)
        yield True

    def close(self) -> None:
        """Close the connections that wait for another question."""
        self._adapter.close()

    def _listed(self, count: int) -> Iterator[Any]:
        try:
            asked = protos.ListModelsRequest(page_size=count)
            yield from self._models.list_models(asked, retry=None, timeout=self._patient)
        except DRIVER_ERRORS as error:
            raise self._failure(error) from None

    def _patient(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The library's form of a time limit that is not about the whole answer."""
        return partial(method, timeout=self._limits)

    def _check(self, response: requests.Response, *_: object, **__: object) -> None:
        """Raise what a status of 300 or more stands for, before the library follows, repeats or stumbles."""
        if response.status_code < 300:
            return
        try:
            raw = response.raw.read(BODY_LIMIT, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError):
            raw = b""
        finally:
            response.close()
        told = raw.decode("utf-8", "replace").replace(self._key, "…")
        raise failure_of_status(response.status_code, told, self.where)

    def _failure(self, error: Exception) -> ProviderError:
        """The error that an exception of the library stands for. Its text may hold the key, and is never passed on."""
        if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
            return TimedOut(f"The {self.where} did not answer in time.")
        if isinstance(error, requests.exceptions.SSLError):
            return Unreachable(f"No secure connection to the {self.where}.")
        if isinstance(error, requests.exceptions.InvalidURL):
            return Unreachable(f"The address of the {self.where} is not a web address.")
        if isinstance(error, requests.exceptions.ChunkedEncodingError) or "Unfinished stream" in str(error):
            return Unreachable(f"The connection to the {self.where} broke in the middle.")
        if isinstance(error, (requests.ConnectionError, OSError)):
            return Unreachable(f"No connection to the {self.where}, or it broke.")
        return Garbled(f"The {self.where} sent something that is not an answer.")


class Reply:
    """Reads one answer, chunk by chunk. What went wrong stands in `failure`, so that the words before it come first."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.done = False
        self.failure: ProviderError | None = None
        self._usage: Usage | None = None
        self._said = False

    def take(self, chunk: Any) -> list[Event]:
        """The events of a chunk; `Finished` is the last one."""
        if self.done:
            return []
        if "usage_metadata" in chunk:
            counted = chunk.usage_metadata
            self._usage = Usage(counted.prompt_token_count, counted.candidates_token_count)
        if reason := _named(chunk.prompt_feedback, "block_reason"):
            self.failure = failure_of_block(self.where, "the question", reason)
            return []
        if chunk.candidates:
            return self._candidate(chunk.candidates[0])
        if "usage_metadata" not in chunk:  # an error in mid-stream, whose words the library drops
            self.failure = ProviderError(f"The {self.where} broke off with an error.")
        return []

    def end(self) -> list[Event]:
        """The last events where the stream has ended properly, but without a reason that the library knows."""
        if self.done or self.failure is not None:
            return []
        if self._said:
            return self._finished("stop")
        self.failure = Garbled(f"The {self.where} sent an answer without any content.")
        return []

    def _candidate(self, candidate: Any) -> list[Event]:
        events = [event for part in candidate.content.parts if (event := _event(part)) is not None]
        self._said = self._said or bool(events)
        reason = _named(candidate, "finish_reason")
        if reason == "STOP" and self._said:
            events += self._finished("stop")
        elif reason == "MAX_TOKENS":
            events += self._length()
        elif reason == "MALFORMED_FUNCTION_CALL":
            self.failure = Garbled(f"The {self.where} wanted a function called in a way that nobody understands.")
        elif reason in BLOCKED:
            self.failure = failure_of_block(self.where, "the answer", reason)
        elif reason and reason != "STOP":
            self.failure = ProviderError(f"The {self.where} ended the answer without saying why.")
        return events

    def _length(self) -> list[Event]:
        if self._said:
            return self._finished("length")
        self.failure = Refused(f"The {self.where} used up all its tokens before the first word.", hint=THINKING_HINT)
        return []

    def _finished(self, reason: Any) -> list[Event]:
        self.done = True
        return [*([self._usage] if self._usage is not None else []), Finished(reason)]


def request(call: Call) -> Any:
    """The question as the library has it. Only fields named here ever reach the service. Raises `ModelMissing`."""
    if not MODEL_NAME.fullmatch(call.model):
        raise ModelMissing(f"No model of Gemini has a name like {excerpt(call.model)!r}.")
    rules = [_clean(message.text) for message in call.messages if message.role is Role.SYSTEM]
    if call.response_format is not None:
        schema = call.response_format.get("json_schema", {})
        rules.append(f"Answer with nothing but JSON that fits this schema: {json.dumps(schema)}")
    contents = [_content(message) for message in call.messages if message.role is not Role.SYSTEM]
    if call.prefill:
        contents.append(_said("model", _clean(call.prefill)))
        contents.append(_said("user", CONTINUE))
    asked = protos.GenerateContentRequest(
        model=call.model if "/" in call.model else f"models/{call.model}",
        contents=[content for content in contents if content.parts],
        generation_config=_sampling(call),
    )
    if rules := [rule for rule in rules if rule]:
        asked.system_instruction = protos.Content(parts=[protos.Part(text="\n\n".join(rules))])
    if call.tools:
        functions = [_function(tool["function"]) for tool in call.tools]
        asked.tools = [protos.Tool(function_declarations=functions)]
    return asked


def _sampling(call: Call) -> Any:
    """Gemini's samplers: it has no penalty like ours, and this library does not know its seed."""
    options = call.options
    return protos.GenerationConfig(
        candidate_count=1,
        max_output_tokens=options.max_tokens,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k or None,
        stop_sequences=[_clean(word) for word in options.stop[:STOP_LIMIT]],
        response_mime_type="application/json" if call.response_format is not None else None,
    )


def _content(message: Message) -> Any:
    """Words, then pictures. An empty message, which Gemini would refuse, has no parts."""
    content = _said("model" if message.role is Role.ASSISTANT else "user", _clean(message.text))
    for image in message.images:
        content.parts.append(protos.Part(inline_data=protos.Blob(mime_type=image.media_type, data=image.data)))
    return content


def _said(role: str, text: str) -> Any:
    return protos.Content(role=role, parts=[protos.Part(text=text)] if text else [])


def _function(function: dict[str, Any]) -> Any:
    declared = protos.FunctionDeclaration(name=function["name"], description=function.get("description", ""))
    parameters = function.get("parameters") or {}
    if parameters.get("properties"):  # Gemini refuses an object without any
        declared.parameters = _schema(parameters)
    return declared


def _schema(schema: dict[str, Any]) -> Any:
    """JSON schema in the smaller form that Gemini has; what it does not know is left out."""
    made = protos.Schema(
        type_=protos.Type.__members__.get(str(schema.get("type")).upper(), protos.Type.STRING),
        description=schema.get("description", ""),
        enum=schema.get("enum", []),
        required=schema.get("required", []),
        properties={name: _schema(inner) for name, inner in schema.get("properties", {}).items()},
    )
    if "items" in schema:
        made.items = _schema(schema["items"])
    return made


def _named(message: Any, field: str) -> str:
    """The name of a reason, empty where there is none. Read past the library, which warns of those it does not know."""
    plain = type(message).pb(message)
    found = plain.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(getattr(plain, field))
    return "UNKNOWN" if found is None else "" if found.number == 0 else str(found.name)


def _event(part: Any) -> Event | None:
    if part.text and (text := _clean(part.text)):
        return TextDelta(text)
    if "function_call" in part:
        call = protos.FunctionCall.to_dict(part.function_call)
        return ToolCall(id=call["name"], name=call["name"], arguments=orjson.dumps(call.get("args") or {}).decode())
    return None


def _model(model: Any) -> ModelInfo:
    name = model.name.removeprefix("models/")
    return ModelInfo(name, context_window=max(0, model.input_token_limit))


def _clean(text: str) -> str:
    """Text that Gemini's wire, PostgreSQL and every JSON encoder take."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
