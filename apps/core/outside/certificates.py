"""The certificate that an address shows: until when, for which names, and whether it is this installation's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from django.conf import settings

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True)
class Shown:
    """`digest` is the SHA-256 of the certificate, `names` are the hosts and addresses that it is for."""

    digest: bytes
    ends: datetime
    names: frozenset[str]

    @property
    def days(self) -> int:
        """How many whole days are left."""
        return (self.ends - datetime.now(UTC)).days

    @property
    def fingerprint(self) -> str:
        """The digest as browsers write it."""
        return self.digest.hex(":").upper()

    def is_for(self, host: str) -> bool:
        """Whether a browser that goes to this host, in small letters, finds it among the names."""
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names


def place() -> Path:
    """Where the one lies that `nitro up --tls` serves with: the given one, or that of the data folder."""
    return Path(settings.TLS_CERTIFICATE or settings.NITRO_HOME / "tls" / "certificate.pem")


def own() -> Shown | None:
    """That one, where there is one."""
    from cryptography import x509  # here and below: commands that look at none need not load it

    try:
        return _read(x509.load_pem_x509_certificate(place().read_bytes()))
    except (OSError, ValueError):
        return None


def of(answer: aiohttp.ClientResponse) -> Shown | None:
    """The one that came with an answer, checked or not; None without https."""
    from cryptography import x509

    transport = answer.connection.transport if answer.connection else None
    line = transport.get_extra_info("ssl_object") if transport else None
    der = line.getpeercert(binary_form=True) if line is not None else None
    return _read(x509.load_der_x509_certificate(der)) if der else None


def _read(certificate: x509.Certificate) -> Shown:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        given = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = frozenset(str(entry.value).lower() for entry in given)
    except x509.ExtensionNotFound:
        names = frozenset()
    return Shown(certificate.fingerprint(hashes.SHA256()), certificate.not_valid_after_utc, names)
