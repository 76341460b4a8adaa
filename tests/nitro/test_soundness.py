"""Addresses and keys of model servers that cannot be right are named, with a way to repair."""

from __future__ import annotations

import pytest

from nitro.soundness import Soundness, address_flaw

WRONG = [
    ("localhost:11434", "does not begin with http", "http://localhost:11434"),
    ("//host", "does not begin with http", "http://"),
    ("ftp://host", "no way to ask a model", "http"),
    ("http://a b", "white space", "without"),
    ("http://a\nb", "white space", "without"),
    ("http://", "cannot be understood", "http://host:port"),
    ("http://host:port", "cannot be understood", "http://host:port"),
    ("http://[::1", "cannot be understood", "http://host:port"),
    ("http://169.254.169.254/latest", "secrets", "Nitro never goes"),
    ("http://[fd00:ec2::254]", "secrets", "Nitro never goes"),
    ("http://metadata.google.internal", "secrets", "Nitro never goes"),
]
SOUND = ["http://localhost:11434", "http://127.0.0.1:1", "https://10.0.0.5:8001/v1", "http://[::1]:80", "HTTP://nas"]


@pytest.mark.parametrize(("raw", "message", "hint"), WRONG)
def test_a_wrong_address_is_named_with_a_repair(raw: str, message: str, hint: str) -> None:
    flaw = address_flaw("NAME", raw)
    assert flaw is not None
    assert flaw.message.startswith("NAME is ")
    assert message in flaw.message
    assert hint in flaw.hint


@pytest.mark.parametrize("raw", SOUND)
def test_this_machine_and_its_network_are_sound(raw: str) -> None:
    assert address_flaw("NAME", raw) is None


def test_a_password_is_not_repeated() -> None:
    flaw = address_flaw("NAME", "ftp://user:hunter2@host")
    assert flaw is not None
    assert "hunter2" not in flaw.message + flaw.hint


@pytest.mark.parametrize("raw", ["sk-1\nsk-2", "sk 1", "sk-\u2026", "sk\r\nX-Other: 1"])
def test_a_key_that_cannot_be_sent_is_left_out_and_not_repeated(raw: str) -> None:
    sound = Soundness()
    assert sound.key("KEY", raw) == ""
    assert raw not in sound.found[0].message


def test_sound_values_pass_as_they_are() -> None:
    sound = Soundness()
    assert (sound.key("KEY", "sk-1"), sound.address("NAME", "http://host/"), sound.found) == ("sk-1", "http://host", [])
