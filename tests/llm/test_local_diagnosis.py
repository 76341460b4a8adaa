"""What `nitro doctor` says of model files in the data folder."""

from __future__ import annotations

from pathlib import Path

from apps.llm.diagnosis import LISTED, _files
from apps.llm.settings import LlmSettings
from tests.llm.gguf_files import put


def said(home: Path) -> list[tuple[bool, bool, str]]:
    return [(one.ok, one.needed, one.message) for one in _files(LlmSettings(home=str(home)))]


def test_of_no_files_nothing_is_said(tmp_path: Path) -> None:
    assert said(tmp_path) == []
    assert _files(LlmSettings()) == []


def test_good_files_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "one.gguf")
    assert said(tmp_path) == [(True, False, "1 model file of the data folder can be used.")]
    put(tmp_path, "two.gguf")
    assert said(tmp_path)[0][2].startswith("2 model files ")


def test_a_broken_file_is_named_with_a_way_out_and_breaks_nothing(tmp_path: Path) -> None:
    put(tmp_path, "good.gguf")
    put(tmp_path, "broken.gguf", b"nonsense")
    [(ok, needed, message)] = said(tmp_path)
    assert (ok, needed) == (False, False)
    assert message.startswith("broken.gguf is not offered. It cannot be used")
    assert _files(LlmSettings(home=str(tmp_path)))[0].hint


def test_of_many_broken_files_some_are_named(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, f"broken-{number}.gguf", b"nonsense")
    assert len(said(tmp_path)) == LISTED
