"""Reading settings: every wrong value ends in one sentence with the name, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nitro.environment import Environment, SettingError


def env(**values: str) -> Environment:
    return Environment(values)


def test_an_unset_name_has_its_default() -> None:
    assert env().text("NAME", "default") == "default"


def test_a_blank_value_counts_as_unset() -> None:
    assert env(NAME="  ").integer("NAME", 7, low=0, high=9) == 7


@pytest.mark.parametrize(("raw", "value"), [("true", True), ("1", True), ("ON", True), ("no", False), ("False", False)])
def test_truth_has_several_spellings(raw: str, value: bool) -> None:
    assert env(NAME=raw).boolean("NAME", default=not value) is value


WRONG: list[tuple[str, Callable[[Environment], object]]] = [
    ("maybe", lambda e: e.boolean("NAME", default=True)),
    ("12x", lambda e: e.integer("NAME", 1, low=0, high=99)),
    ("100", lambda e: e.integer("NAME", 1, low=0, high=99)),
    ("-1", lambda e: e.integer("NAME", 1, low=0, high=99)),
    ("1e400", lambda e: e.integer("NAME", 1, low=0, high=99)),
    ("nan", lambda e: e.number("NAME", 1, low=0, high=2)),
    ("inf", lambda e: e.number("NAME", 1, low=0, high=2)),
    ("warm", lambda e: e.number("NAME", 1, low=0, high=2)),
    ("blue", lambda e: e.choice("NAME", "red", ("red", "green"))),
    ("red,blue", lambda e: e.choices("NAME", "", ("red", "green"))),
    ("60", lambda e: e.rate("NAME", "1/second")),
    ("0/minute", lambda e: e.rate("NAME", "1/second")),
    ("ftp://host", lambda e: e.url("NAME")),
    ("http://a b", lambda e: e.url("NAME")),
    ("http://a,nonsense", lambda e: e.urls("NAME")),
    ("red", lambda e: e.counts("NAME", ("red",), low=1, high=9)),
    ("red=0", lambda e: e.counts("NAME", ("red",), low=1, high=9)),
    ("blue=1", lambda e: e.counts("NAME", ("red",), low=1, high=9)),
]


@pytest.mark.parametrize(("raw", "read"), WRONG)
def test_a_wrong_value_is_named(raw: str, read: Callable[[Environment], object]) -> None:
    with pytest.raises(SettingError, match=r"^NAME is .* but it must be .*\.$"):
        read(env(NAME=raw))


def test_choices_do_not_care_for_case() -> None:
    assert env(NAME="green").choice("NAME", "RED", ("RED", "GREEN")) == "GREEN"


def test_a_list_loses_spaces_and_repetitions() -> None:
    assert env(NAME=" red, green ,red,").choices("NAME", "", ("red", "green")) == ["red", "green"]


def test_counts_belong_to_names() -> None:
    assert env(NAME="red=2, green = 3").counts("NAME", ("red", "green"), low=1, high=9) == {"red": 2, "green": 3}


def test_an_address_loses_its_last_slash() -> None:
    assert env(NAME="http://host/v1/").url("NAME") == "http://host/v1"


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")
    assert env(KEY="other", KEY_FILE=str(tmp_path / "key")).secret("KEY") == "s3cret"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="KEY_FILE"):
        env(KEY_FILE=str(tmp_path / "none")).secret("KEY")


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert env(NAME="~/data").path("NAME", "") == Path("/home/alice/data")
