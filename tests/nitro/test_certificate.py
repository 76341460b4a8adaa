"""The certificate that `nitro up --tls` makes: for this machine's names, and made anew in time."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from nitro import certificate
from nitro.certificate import Certificate, own_certificate
from nitro.embedded.errors import ServiceError


def names(found: Certificate) -> set[str]:
    parsed = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    alternatives = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(entry.value) for entry in alternatives}


def test_it_is_for_all_names_under_which_this_machine_is_reached(tmp_path: Path) -> None:
    found = own_certificate(tmp_path, ["nitro.example.com", ".home.example", "*", "[::1]", "192.168.7.7"])
    expected = {"localhost", "127.0.0.1", "::1", "nitro.example.com", "home.example", "192.168.7.7"}
    assert expected | {socket.gethostname()} <= names(found)
    assert "*" not in names(found)


def test_nobody_else_may_read_the_key(tmp_path: Path) -> None:
    assert own_certificate(tmp_path, []).key.stat().st_mode & 0o777 == 0o600


def test_it_stays_the_same_over_restarts(tmp_path: Path) -> None:
    assert own_certificate(tmp_path, ["a.example"]).fingerprint() == own_certificate(tmp_path, []).fingerprint()


def test_a_new_name_makes_a_new_one(tmp_path: Path) -> None:
    before = own_certificate(tmp_path, []).fingerprint()
    after = own_certificate(tmp_path, ["new.example"])
    assert after.fingerprint() != before
    assert "new.example" in names(after)


def test_one_that_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "VALID", timedelta(days=10))
    before = own_certificate(tmp_path, []).fingerprint()
    monkeypatch.undo()
    after = own_certificate(tmp_path, [])
    assert after.fingerprint() != before
    ends = x509.load_pem_x509_certificate(after.certificate.read_bytes()).not_valid_after_utc
    assert ends - datetime.now(UTC) > timedelta(days=390)


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_a_broken_file_is_made_anew(tmp_path: Path, broken: str) -> None:
    found = own_certificate(tmp_path, [])
    getattr(found, broken).write_text("nonsense")
    own_certificate(tmp_path, []).check()


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_given_files_that_do_not_fit_are_named(tmp_path: Path, broken: str) -> None:
    found, other = own_certificate(tmp_path / "a", []), own_certificate(tmp_path / "b", [])
    given = Certificate(found.certificate, other.key)
    if broken == "certificate":
        given = Certificate(tmp_path / "missing.pem", found.key)
    with pytest.raises(ServiceError, match="TLS_CERTIFICATE"):
        given.check()


def test_the_fingerprint_is_written_as_browsers_write_it(tmp_path: Path) -> None:
    parts = own_certificate(tmp_path, []).fingerprint().split(":")
    assert (len(parts), {len(part) for part in parts}) == (32, {2})


def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    from nitro.web.encrypted import Renewing

    found = own_certificate(tmp_path, [])
    contexts = Renewing(found.certificate, found.key)
    before = contexts.getContext()
    assert contexts.getContext() is before
    own_certificate(tmp_path, ["new.example"])
    os.utime(found.certificate, ns=(1, 1))
    assert contexts.getContext() is not before


def test_a_renewal_that_is_only_half_there_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    from nitro.web.encrypted import Renewing

    found = own_certificate(tmp_path, [])
    contexts = Renewing(found.certificate, found.key)
    before = contexts.getContext()
    found.certificate.write_text("half")
    assert contexts.getContext() is before
    found.certificate.unlink()
    assert contexts.getContext() is before
