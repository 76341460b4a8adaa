"""What somebody asks of a server is done or refused, and nothing else ever reaches it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from apps.llm.messages import Call, Message, Options, Role
from apps.llm.options import KNOWN, UnfitOption, check
from apps.llm.providers.gemini import library
from apps.llm.providers.ollama_request import chat_arguments
from apps.llm.providers.openai_request import request_body

EVERYTHING = Options(max_tokens=7, temperature=0.5, top_p=0.6, top_k=8, repeat_penalty=1.2, seed=9)
CALL = Call("m", (Message(Role.USER, "Hello"),), EVERYTHING)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("openai", {"top_k": 40}),
        ("openai", {"repeat_penalty": 1.1}),
        ("gemini", {"seed": 1}),
        ("gemini", {"repeat_penalty": 1.1}),
        ("gemini", {"temperature": 2.1}),
        ("builtin", {"repeat_penalty": 0}),
        ("ollama", {"top_k": 1001}),
        ("ollama", {"grammar": 1}),
    ],
)
def test_what_a_server_would_not_follow_is_refused_with_a_sentence(kind: str, asked: Mapping[str, float]) -> None:
    with pytest.raises(UnfitOption) as caught:
        check(kind, asked)
    assert next(iter(asked)) in caught.value.message
    assert caught.value.permanent


@pytest.mark.parametrize("kind", KNOWN)
def test_what_it_knows_may_be_asked_to_the_ends_of_its_range(kind: str) -> None:
    for name, ends in KNOWN[kind].items():
        for value in ends:
            check(kind, {name: value})


def test_of_an_unknown_kind_nothing_is_known() -> None:
    check("scripted", {"top_k": 3})


def sent(body: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """Our options in a request, by our names."""
    return {ours: body[theirs] for theirs, ours in names.items() if theirs in body}


SAME = {name: name for name in ("max_tokens", "temperature", "top_p", "top_k", "repeat_penalty", "seed")}


@pytest.mark.parametrize(("kind", "llama"), [("openai", False), ("builtin", True)])
def test_over_openais_wire_exactly_the_known_options_travel(kind: str, llama: bool) -> None:
    assert set(sent(request_body(CALL, llama=llama), SAME)) == set(KNOWN[kind])


def test_to_ollama_exactly_the_known_options_travel() -> None:
    options = chat_arguments(CALL, 0)["options"]
    assert set(sent(options, SAME | {"num_predict": "max_tokens"})) == set(options) - {"num_predict"} | {"max_tokens"}
    assert set(sent(options, SAME | {"num_predict": "max_tokens"})) == set(KNOWN["ollama"])


def test_to_gemini_exactly_the_known_options_travel() -> None:
    config = library().request(CALL).generation_config
    assert (config.max_output_tokens, config.temperature, config.top_k) == (7, 0.5, 8)
    assert {"max_tokens", "temperature", "top_p", "top_k"} == set(KNOWN["gemini"])
    assert not hasattr(type(config).pb(config), "seed")
