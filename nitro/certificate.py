"""The certificate of `nitro up --tls`: the one that was given, or one made for this machine and its local network."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitro.embedded.errors import ServiceError

if TYPE_CHECKING:
    from cryptography import x509

VALID = timedelta(days=397)  # browsers refuse more
RENEW_BEFORE = timedelta(days=30)
LOCAL = ("localhost", "127.0.0.1", "::1")


class Certificate:
    """Two files: the certificate with its chain, and its key."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key

    def check(self) -> None:
        """Raises `ServiceError` with a sentence where they cannot be used."""
        from OpenSSL import SSL

        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        try:
            context.use_certificate_chain_file(str(self.certificate))
            context.use_privatekey_file(str(self.key))
            context.check_privatekey()
        except SSL.Error as error:
            raise ServiceError(
                f"TLS_CERTIFICATE ({self.certificate}) and TLS_KEY ({self.key}) must be two readable files in PEM that "
                "belong together: the certificate with its chain, and its key."
            ) from error

    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as browsers show it."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        digest = x509.load_pem_x509_certificate(self.certificate.read_bytes()).fingerprint(hashes.SHA256())
        return digest.hex(":").upper()


def own_certificate(home: Path, hosts: Iterable[str]) -> Certificate:
    """The data folder's own, made where there is none, where it ends soon, or where this machine has new names."""
    folder = home / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    names = sorted({*LOCAL, *_own_names(), *(host.lstrip(".").strip("[]") for host in hosts if host != "*")})
    if not _still_good(found, names):
        _make(found, names)
    return found


def _own_names() -> set[str]:
    """The names and addresses under which others on the local network know this machine."""
    name = socket.gethostname()
    families = {socket.AF_INET, socket.AF_INET6}
    found = {entry.address for card in psutil.net_if_addrs().values() for entry in card if entry.family in families}
    return {name, f"{name.partition('.')[0]}.local", *(address for address in found if "%" not in address)}


def _still_good(found: Certificate, names: list[str]) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        given = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found.check()
    except (OSError, ValueError, x509.ExtensionNotFound, ServiceError):
        return False
    known = {str(entry.value) for entry in given}
    return set(names) <= known and certificate.not_valid_after_utc - RENEW_BEFORE > datetime.now(UTC)


def _make(target: Certificate, names: list[str]) -> None:
    """A self-signed certificate with a key on the curve P-256, both written aside and then named."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nitro")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(target.key, secret)
    _write(target.certificate, certificate.public_bytes(pem))


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())


def _write(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    aside.replace(path)
