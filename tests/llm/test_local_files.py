"""Model files in the data folder: which are offered, and what is said of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.llm import local
from apps.llm.gguf import Broken, Head
from apps.llm.local import Files, LocalModel, local_files, local_model
from tests.llm.gguf_files import LLAMA, gguf, put, tensor


def names(home: Path) -> list[str]:
    return [model.name for model in local_files(home).models]


def refused(home: Path) -> dict[str, str]:
    return {one.file: one.sentence for one in local_files(home).unusable}


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert local_files(tmp_path) == Files()


def test_a_file_is_offered_by_its_name(tmp_path: Path) -> None:
    path = put(tmp_path, "Llama-3.2-3B.Q4_K_M.gguf")
    put(tmp_path, "notes.txt")
    [model] = local_files(tmp_path).models
    assert (model.name, model.path, model.size) == ("Llama-3.2-3B.Q4_K_M", path, path.stat().st_size)
    assert local_model(tmp_path, model.name) == model


@pytest.mark.parametrize("name", ["../secret", "a/b", "", "notes"])
def test_no_other_name_leads_anywhere(tmp_path: Path, name: str) -> None:
    put(tmp_path, "model.gguf")
    assert local_model(tmp_path, name) is None


def test_a_broken_file_is_named_and_hides_no_other(tmp_path: Path) -> None:
    put(tmp_path, "broken.gguf", b"nonsense")
    put(tmp_path, "good.gguf")
    assert names(tmp_path) == ["good"]
    assert refused(tmp_path) == {"broken.gguf": "It cannot be used: it does not begin as a GGUF file does."}


def test_a_file_that_is_still_being_copied_is_offered_once_it_is_whole(tmp_path: Path) -> None:
    whole = gguf(tensors=(tensor("a", 100, offset=4),))
    put(tmp_path, "model.gguf", whole[:-5])
    assert names(tmp_path) == []
    put(tmp_path, "model.gguf", whole)
    assert names(tmp_path) == ["model"]


def test_a_name_that_could_not_be_typed_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "my model\n.gguf")
    assert "Rename it" in refused(tmp_path)["'my model\\n.gguf'"]


def test_a_folder_and_a_link_to_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "models" / "folder.gguf").mkdir(parents=True)
    (tmp_path / "models" / "link.gguf").symlink_to(tmp_path / "nowhere")
    assert set(refused(tmp_path)) == {"folder.gguf", "link.gguf"}


def test_a_pipe_does_not_make_anybody_wait(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    os.mkfifo(tmp_path / "models" / "pipe.gguf")
    assert "not a plain file" in refused(tmp_path)["pipe.gguf"]


def test_a_model_in_parts_is_one_model(tmp_path: Path) -> None:
    first = put(tmp_path, "big-00001-of-00002.gguf")
    second = put(tmp_path, "big-00002-of-00002.gguf", b"x" * 50)
    [model] = local_files(tmp_path).models
    assert (model.name, model.path) == ("big", first)
    assert model.size == first.stat().st_size + second.stat().st_size


def test_a_model_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "big-00001-of-00002.gguf")
    assert refused(tmp_path) == {"big-00001-of-00002.gguf": "It cannot be used: a part of it is missing."}


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []

    def read_head(path: Path) -> Head:
        reads.append(path)
        return Head("llama")

    monkeypatch.setattr(local, "read_head", read_head)
    put(tmp_path, "model.gguf")
    local_files(tmp_path)
    local_files(tmp_path)
    assert len(reads) == 1
    put(tmp_path, "model.gguf", gguf() + b"more")
    local_files(tmp_path)
    assert len(reads) == 2


def test_a_broken_file_is_read_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []

    def read_head(path: Path) -> Head:
        reads.append(path)
        raise Broken("it is torn")

    monkeypatch.setattr(local, "read_head", read_head)
    put(tmp_path, "torn.gguf")
    assert refused(tmp_path) == refused(tmp_path) == {"torn.gguf": "It cannot be used: it is torn."}
    assert len(reads) == 1


def test_a_model_whose_conversations_are_dear_gets_short_ones() -> None:
    cheap, dear = Head("a", context=131_072, cache=20_000), Head("a", context=131_072, cache=400_000)
    assert LocalModel("a", Path("a"), 1, cheap).context == 8192
    assert LocalModel("a", Path("a"), 1, dear).context == 4096
    assert LocalModel("a", Path("a"), 1, dear).context_memory == 400_000 * 4096 * 2


def test_no_more_context_is_given_than_the_model_was_trained_on() -> None:
    assert LocalModel("a", Path("a"), 1, Head("a", context=2048, cache=1)).context == 2048


@pytest.mark.parametrize(
    ("count", "words"), [(0, ""), (134_515_008, "135M"), (3_212_749_888, "3.2B"), (8_030_000_000, "8B")]
)
def test_parameters_are_said_as_people_say_them(count: int, words: str) -> None:
    assert LocalModel("a", Path("a"), 1, Head("a", parameters=count)).parameters == words


def test_a_vocabulary_that_says_nothing_of_its_shape_cannot_talk(tmp_path: Path) -> None:
    values = {key: value for key, value in LLAMA.items() if key != "llama.block_count"}
    put(tmp_path, "vocabulary.gguf", gguf(values))
    assert "cannot talk by itself" in refused(tmp_path)["vocabulary.gguf"]
