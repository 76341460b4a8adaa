"""From a history to a prompt: the question is always in it, and cuts stay where they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.chat import prompts
from apps.chat.prompts import GROUP, Prompt, build, estimated_tokens
from apps.chat.selectors import Line
from apps.llm.errors import ContextExceeded
from apps.llm.messages import Role


def talk(messages: int, *, length: int = 30, start: int = 0) -> list[Line]:
    """Questions and answers in turn, the last one a question when the count is odd."""
    roles = ("user", "assistant")
    return [Line(n, roles[n % 2], f"{n} ".ljust(length, "x")) for n in range(start, start + messages)]


def prompt(
    history: list[Line], *, window: int = 8192, max_tokens: int = 500, system: str = "", prefill: str = ""
) -> Prompt:
    return build(history, system_prompt=system, context_window=window, max_tokens=max_tokens, prefill=prefill)


def test_a_short_history_goes_whole() -> None:
    made = prompt(talk(5))
    assert [message.text for message in made.messages] == [line.text for line in talk(5)]
    assert made.dropped == 0


def test_the_system_prompt_comes_first_where_there_is_one() -> None:
    assert prompt(talk(1), system="Be brief.").messages[0].role == Role.SYSTEM
    assert prompt(talk(1), system="  \n").messages[0].role == Role.USER


def test_empty_answers_are_left_out() -> None:
    history = [Line(0, "user", "One"), Line(1, "assistant", " "), Line(2, "user", "Two")]
    assert [message.text for message in prompt(history).messages] == ["One", "Two"]


def test_a_long_history_loses_whole_groups_and_says_how_many_messages() -> None:
    made = prompt(talk(41, length=300), window=3000, max_tokens=500)
    assert made.dropped == 41 - len(made.messages)
    assert made.dropped % GROUP == 0


def test_the_cut_stays_where_it_is_for_the_next_turns() -> None:
    firsts = [prompt(talk(count, length=300), window=3000).messages[0].text for count in range(41, 61, 2)]
    assert len(set(firsts)) <= 1 + 20 // GROUP + 1
    assert firsts == sorted(firsts, key=lambda text: int(text.split()[0]))


def test_a_question_longer_than_the_window_is_refused() -> None:
    with pytest.raises(ContextExceeded, match="too long"):
        prompt([Line(0, "user", "x" * 30_000)], window=4096)


def test_a_system_prompt_longer_than_the_window_is_refused() -> None:
    with pytest.raises(ContextExceeded):
        prompt(talk(1), window=1000, system="x" * 30_000)


def test_the_words_to_go_on_from_take_their_room() -> None:
    history = talk(41, length=300)
    assert prompt(history, window=6000, prefill="x" * 6000).dropped > prompt(history, window=6000).dropped


def test_an_unknown_window_counts_as_a_usual_one() -> None:
    assert prompts.room(0, 500) == prompts.DEFAULT_WINDOW - 500
    assert prompts.room(1000, 5000) == 500


@settings(max_examples=200, deadline=None)
@given(
    messages=st.integers(0, 60).map(lambda n: 2 * n + 1),
    length=st.integers(10, 600),
    window=st.integers(1500, 16_000),
    max_tokens=st.integers(1, 5000),
    start=st.integers(0, 100).map(lambda n: 2 * n),
)
def test_what_is_made_fits_begins_with_a_question_and_ends_with_the_last(
    messages: int, length: int, window: int, max_tokens: int, start: int
) -> None:
    history = talk(messages, length=length, start=start)
    made = prompt(history, window=window, max_tokens=max_tokens)
    assert sum(estimated_tokens(message.text) for message in made.messages) <= prompts.room(window, max_tokens)
    assert made.messages[0].role == Role.USER
    assert made.messages[-1].text == history[-1].text
    assert [m.text for m in made.messages] == [line.text for line in history[made.dropped :]]
