"""The certificate that the server shows, which may change while it runs."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL.SSL import Connection
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from rakkr.solo.certificates import CertificateFiles


@implementer(IOpenSSLServerConnectionCreator)
class ShownCertificate:
    """
    Makes connections, each with the certificate that is current when it comes.

    They speak TLS 1.2 or newer.

    :raises OSError: when the files cannot be read, here and in :meth:`refresh`.
    """

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._shown = b""
        self.refresh()

    def refresh(self) -> bool:
        """Read the files again; whether there is another certificate now."""
        pem = self._files.server.read_bytes()
        if pem == self._shown:
            return False
        # pyOpenSSL deprecates its own types, which Twisted's loaders still make.
        certificate: Any = x509.load_pem_x509_certificate(pem)
        key: Any = load_pem_private_key(self._files.server_key.read_bytes(), None)
        self._options = CertificateOptions(privateKey=key, certificate=certificate)
        self._shown = pem
        return True

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N802, N803, ARG002
        """Begin a connection; those that exist keep what they began with."""
        return Connection(self._options.getContext(), None)
