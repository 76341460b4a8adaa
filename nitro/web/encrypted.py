"""TLS around the doors: HTTP/2 where the client can, and certificates that are read again when they were renewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.ssl import CertificateOptions, ContextFactory, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer


@implementer(IOpenSSLContextFactory)
class Renewing(ContextFactory):
    """Looks at the certificate's file before each connection, and reads it anew where it has changed.

    A renewed pair that does not fit, or is only half there, leaves the old one in use.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate, self.key = certificate, key
        self._seen: tuple[int, int] | None = None
        self._context: SSL.Context | None = None

    def getContext(self) -> SSL.Context:  # noqa: N802 (Twisted's name)
        """The context for the next connection."""
        seen = self._stamps()
        if self._context is None or (seen is not None and seen != self._seen):
            self._read(seen)
        assert self._context is not None  # noqa: S101 (_read raises where there never was one)
        return self._context

    def _read(self, seen: tuple[int, int] | None) -> None:
        try:
            self._context = context_of(self.certificate, self.key)
        except (SSL.Error, OSError):
            if self._context is None:
                raise
        self._seen = seen

    def _stamps(self) -> tuple[int, int] | None:
        try:
            return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns
        except OSError:
            return None


def context_of(certificate: Path, key: Path) -> SSL.Context:
    """What Twisted holds for good today, from TLS 1.2 on, with these files."""
    options: Any = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2)
    context: SSL.Context = options.getContext()
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(key))
    context.check_privatekey()
    return context


def encrypted(factory: Any, certificate: Path, key: Path) -> Any:
    """The factory of the doors behind TLS."""
    contexts: Any = Renewing(certificate, key)
    return TLSMemoryBIOFactory(contexts, isClient=False, wrappedFactory=factory)
