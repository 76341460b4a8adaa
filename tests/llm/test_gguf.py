"""Heads of model files: read within bounds, and nothing in them is believed."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.llm.gguf import Broken, Head, read_head
from nitro.embedded.model import model_file
from tests.llm.gguf_files import LLAMA, gguf, tensor


def head(tmp_path: Path, content: bytes) -> Head:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    return read_head(path)


def test_the_shipped_model_tells_its_facts() -> None:
    found = read_head(model_file())
    assert (found.architecture, found.quantisation, found.context, found.talks) == ("llama", "Q4_1", 8192, True)
    assert 134_000_000 < found.parameters < 135_000_000
    assert found.cache == 2 * 30 * 3 * (64 + 64)


def test_what_a_conversation_takes_is_reckoned_from_the_shape(tmp_path: Path) -> None:
    assert head(tmp_path, gguf()).cache == 2 * 28 * 8 * 256


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    values = LLAMA | {"llama.attention.head_count_kv": [8] * 14 + [0] * 14}
    assert head(tmp_path, gguf(values)).cache == 2 * 14 * 8 * 256


def test_the_numbers_of_all_tensors_are_counted(tmp_path: Path) -> None:
    content = gguf(tensors=(tensor("a", 100, 20), tensor("b", 7, offset=4)))
    assert head(tmp_path, content).parameters == 2007


def test_vocabularies_are_passed_over(tmp_path: Path) -> None:
    words = {"tokenizer.ggml.tokens": [f"word {n}" for n in range(5000)], "tokenizer.ggml.types": [1] * 5000}
    assert head(tmp_path, gguf(words | LLAMA)).context == 131_072


def test_a_long_template_is_passed_over(tmp_path: Path) -> None:
    assert head(tmp_path, gguf({"tokenizer.chat_template": "x" * 100_000} | LLAMA)).quantisation == "Q4_K_M"


def test_a_model_for_embeddings_does_not_talk(tmp_path: Path) -> None:
    found = head(tmp_path, gguf({"general.architecture": "bert", "bert.block_count": 12}))
    assert (found.talks, found.embeds) == (False, True)


def test_the_eyes_of_another_model_do_not_talk(tmp_path: Path) -> None:
    assert not head(tmp_path, gguf({"general.architecture": "clip", "clip.block_count": 12})).talks


def test_senseless_numbers_are_taken_for_unknown(tmp_path: Path) -> None:
    values = {"general.architecture": "llama", "llama.block_count": "many", "llama.context_length": 1.5}
    found = head(tmp_path, gguf(values))
    assert (found.context, found.cache, found.quantisation) == (0, 0, "")


BROKEN = {
    "empty": b"",
    "another format": b"PK\x03\x04" + b"\0" * 100,
    "an old version": gguf(version=1),
    "an unknown version": gguf(version=1 << 24),
    "too many keys": gguf(keys=2**63),
    "too many tensors": gguf(parts=2**63),
    "a key too many": gguf(keys=len(LLAMA) + 1),
    "a key of any length": b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62),
    "a text of any length": gguf({"general.architecture": struct.pack("<IQ", 8, 2**62)}),
    "a list of any length": gguf({"x": struct.pack("<IIQ", 9, 4, 2**61)}),
    "a list of lists": gguf({"x": struct.pack("<IIQ", 9, 9, 1)}),
    "an unknown kind": gguf({"x": struct.pack("<I", 77)}),
    "no architecture": gguf({"general.name": "x"}),
    "a tensor with many dimensions": gguf(tensors=(tensor("a", *[1] * 9),)),
    "a tensor behind the end": gguf(tensors=(tensor("a", 1, offset=10_000),)),
    "nothing after its head": gguf(body=b""),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_called_broken(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Broken):
        head(tmp_path, content)


def test_a_file_that_was_cut_anywhere_is_called_broken(tmp_path: Path) -> None:
    whole = gguf(tensors=(tensor("a", 100),))
    for length in range(0, len(whole) - len(b"numbers") + 1, 3):
        with pytest.raises(Broken):
            head(tmp_path, whole[:length])


WHOLE = gguf(tensors=(tensor("a", 100),))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_spoiled_byte_is_a_defect(tmp_path_factory: pytest.TempPathFactory, spoiled: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, byte in spoiled:
        content[place] = byte
    path = tmp_path_factory.getbasetemp() / "spoiled.gguf"
    path.write_bytes(content)
    with suppress(Broken):
        assert read_head(path).architecture
