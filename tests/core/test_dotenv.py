"""Settings are changed in a `.env`, and nothing else in it is."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from apps.core.dotenv import BACKUP, Unwritable, changed_text, dotenv_write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_missing_file_is_made_for_its_owner_alone(path: Path) -> None:
    assert dotenv_write(path, {"A": "1", "B": "two"}) == ["A", "B"]
    assert path.read_text(encoding="utf-8") == "A=1\nB=two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name(BACKUP).exists()


def test_other_lines_comments_and_order_stay(path: Path) -> None:
    path.write_text("# mine\nKEY='a b'  # secret\n\nA=old\nnonsense line\nexport C=3\n", encoding="utf-8")
    dotenv_write(path, {"A": "new", "D": "4"})
    expected = "# mine\nKEY='a b'  # secret\n\nA=new\nnonsense line\nexport C=3\nD=4\n"
    assert path.read_text(encoding="utf-8") == expected


def test_what_was_there_is_kept_beside_it_for_its_owner_alone(path: Path) -> None:
    path.write_text("A=old\n", encoding="utf-8")
    path.chmod(0o644)
    dotenv_write(path, {"A": "new"})
    backup = path.with_name(BACKUP)
    assert backup.read_text(encoding="utf-8") == "A=old\n"
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, backup)] == [0o600, 0o600]


def test_the_same_again_touches_nothing(path: Path) -> None:
    dotenv_write(path, {"A": "1"})
    before = path.stat().st_ino
    assert dotenv_write(path, {"A": "1"}) == []
    assert path.stat().st_ino == before
    assert not path.with_name(BACKUP).exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\nA=2\n", "A=1\nA=new\n"),
        ("A=1", "A=new"),
        ("export A=1 # why\n", "export A=new\n"),
        ("\n\n  A = '1'\n", "\n\n  A=new\n"),
        ("A=1\r\nB=2\r\n", "A=new\r\nB=2\r\n"),
        ("B='x\nA=no\n'\nA=1\n", "B='x\nA=no\n'\nA=new\n"),
        ("B=2", "B=2\nA=new\n"),
        ("B=2\r\n", "B=2\r\nA=new\r\n"),
        ("#A=1\n", "#A=1\nA=new\n"),
        ("A\n", "A=new\n"),
        ("AB=1\n", "AB=1\nA=new\n"),
    ],
)
def test_a_value_is_changed_where_it_counts(before: str, after: str) -> None:
    assert changed_text(before, {"A": "new"}) == (after, ["A"])


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_whatever_stands_in_the_file_the_value_counts_afterwards(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_bytes(changed_text(text + "\n", {"NITRO_A": "1"})[0].encode())
    assert dotenv_values(path)["NITRO_A"] == "1"
    assert path.read_bytes().decode().startswith(text)


def test_a_link_is_followed_and_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "settings"
    target.write_text("A=1\n", encoding="utf-8")
    path.symlink_to(target)
    dotenv_write(path, {"A": "2"})
    assert path.is_symlink()
    assert target.read_text(encoding="utf-8") == "A=2\n"


def test_a_file_that_is_no_text_is_left_alone(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Unwritable, match="UTF-8"):
        dotenv_write(path, {"A": "1"})
    assert path.read_bytes() == b"\xff\xfe"


def test_a_disk_that_is_full_leaves_everything_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("A=1\n", encoding="utf-8")

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(Unwritable, match="No space left"):
        dotenv_write(path, {"A": "2"})
    assert [file.name for file in path.parent.iterdir()] == [".env"]
    assert path.read_text(encoding="utf-8") == "A=1\n"


def test_a_value_that_would_need_quotes_is_a_mistake_of_the_caller(path: Path) -> None:
    with pytest.raises(ValueError, match="quoted"):
        dotenv_write(path, {"A": "1\nB=2"})
