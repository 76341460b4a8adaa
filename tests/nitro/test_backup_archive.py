"""The file of a backup: whole or refused, and never a way out of its folder."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from nitro.backup import archive, sealing
from nitro.backup.errors import BackupError
from tests.core.test_settings import SETTINGS


def make(path: Path, **parts: bytes) -> Path:
    with archive.writing(path) as writer:
        writer.note(archive.MANIFEST, json.dumps({"format": archive.FORMAT, "nitro": "0.1.0"}).encode())
        for name, content in parts.items():
            writer.note(archive.FILES + name, content)
    return path


def rewrite(path: Path, change: dict[str, bytes], *, names: dict[str, str] | None = None) -> Path:
    """The same tar with other contents or names, as an attacker or a broken disk would make it."""
    with tarfile.open(path) as old:
        parts = [(member.name, (old.extractfile(member) or io.BytesIO()).read()) for member in old]
    with tarfile.open(path, "w") as new:
        for name, content in parts:
            entry = tarfile.TarInfo((names or {}).get(name, name))
            content = change.get(name, content)
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BackupError) as refused, archive.Reader(path):
        pass
    return str(refused.value)


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    path = make(tmp_path / "a.nitro", one=b"first", two=b"")
    with archive.Reader(path) as reader:
        assert {name: content.read() for name, content in reader.files()} == {"one": b"first", "two": b""}
        assert reader.manifest["nitro"] == "0.1.0"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert make(tmp_path / "a.nitro").stat().st_mode & 0o777 == 0o600


def test_an_unfinished_backup_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), archive.writing(tmp_path / "a.nitro"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_backup_leaves_the_one_before(tmp_path: Path) -> None:
    path = make(tmp_path / "a.nitro", one=b"first")
    with pytest.raises(ZeroDivisionError), archive.writing(path):
        raise ZeroDivisionError
    with archive.Reader(path) as reader:
        assert dict(reader.manifest)["format"] == archive.FORMAT


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="could not be written"), archive.writing(tmp_path / "no" / "a.nitro"):
        pass


def test_a_changed_part_is_found(tmp_path: Path) -> None:
    path = rewrite(make(tmp_path / "a.nitro", one=b"first"), {"files/one": b"other"})
    assert "files/one has changed" in refusal(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.nitro", one=b"x" * 50_000)
    path.write_bytes(path.read_bytes()[:30_000])
    assert "damaged" in refusal(path)


def test_a_missing_part_is_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.nitro", one=b"first")
    sums = {"manifest.json": "0", "files/one": "0", "files/two": "0"}
    assert "missing" in refusal(rewrite(path, {archive.CHECKSUMS: json.dumps(sums).encode()}))


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    manifest = json.dumps({"format": 99, "nitro": "7.0"}).encode()
    assert "newer Nitro (7.0)" in refusal(rewrite(make(tmp_path / "a.nitro"), {archive.MANIFEST: manifest}))


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "files/../../evil", "files/a//b", "files/", "files/a\nb", "other"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = rewrite(make(tmp_path / "a.nitro", one=b"first"), {}, names={"files/one": name})
    assert "no backup of Nitro" in refusal(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.nitro")
    with tarfile.open(path, "a") as tar:
        entry = tarfile.TarInfo("files/link")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    assert "no backup of Nitro" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b" + b"\0" * 600, b"\0" * 20_000])
def test_any_other_file_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.nitro").write_bytes(content)
    assert str(tmp_path / "a.nitro") in refusal(tmp_path / "a.nitro")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "x"),
        ("SECRET_KEY", "x"),
        ("SENTRY_DSN", "x"),
        ("S3_SECRET", "x"),
        ("GEMINI_API_KEY_FILE", "/run/x"),
        ("DATABASE_URL", "postgresql://me:pw@host/db"),
        ("DATABASE_URL", "postgresql:///db?host=/run&password=pw"),
        ("OPENAI_BASE_URL", "https://models.example/v1?api_key=x"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=x"),
        ("ALERT_WEBHOOK_URL", "https://hooks.example/T0/B0/x"),
    ],
)
def test_secrets_are_known_as_such(name: str, value: str) -> None:
    assert sealing.is_secret(name, value)


def test_every_setting_that_is_read_as_a_secret_is_sealed_as_one() -> None:
    """Addresses are read so, too, since they may hold a password: what they are is for their value to say."""
    text = SETTINGS.read_text(encoding="utf-8")
    names = set(re.findall(r'env\.(?:secret|pairs)\(\s*"([A-Z0-9_]+)"', text))
    assert len(names) > 10
    assert {name for name in names if not (name.endswith("_URL") or sealing.is_secret(name, "x"))} == set()


@pytest.mark.parametrize(("name", "value"), [("TOP_K", "40"), ("OLLAMA_BASE_URL", "http://localhost:11434")])
def test_other_settings_are_no_secrets(name: str, value: str) -> None:
    assert not sealing.is_secret(name, value)


def test_a_passphrase_opens_what_it_has_sealed() -> None:
    assert sealing.unseal(sealing.seal({"A": "canary"}, "open"), "open") == {"A": "canary"}


def test_sealed_secrets_cannot_be_read() -> None:
    assert b"canary" not in sealing.seal({"A": "canary"}, "open")


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(BackupError, match="does not open"):
        sealing.unseal(sealing.seal({"A": "canary"}, "open"), "guess")
