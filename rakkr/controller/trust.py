"""
Whom the agent believes to be the controller, and how it proves itself to be the node.

With a CA bundle every certificate in it is a trust anchor, an intermediate one too, and nothing
else is: an internal CA *is* the trust root.  Without one the platform's roots are.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    TLSVersion,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from rakkr.controller.errors import BadTrust

# X509_V_ERR_*: what an administrator can do something about.
_FAULTS = {
    9: "is not valid yet (or this machine's clock is behind)",
    10: "has expired (or this machine's clock is ahead)",
    18: "is self-signed and not among the trusted ones",
    19: "was issued by a self-signed CA that is not trusted",
    20: "was issued by a CA that is not trusted",
    21: "cannot be traced to a trusted CA",
    23: "was revoked",
    24: "was issued by a certificate that is no CA",
    26: "may not be used for a server",
}


class CertificateRefused(Exception):
    """The controller's certificate is not to be trusted; the message says why."""


@implementer(IPolicyForHTTPS)
class Trust:
    """
    The TLS of every connection to the controller: TLS 1.2 at least.

    The files are read when it is made, and one OpenSSL context serves every connection (a fresh one
    costs 8 ms with the platform's roots).

    :param ca_bundle: PEM certificates to trust instead of the platform's.
    :param client_certificate: the PEM chain that the node shows, its own certificate first.
    :param client_key: the PEM key of that certificate; by default it stands in the same file.
    :raises BadTrust: when a file is missing, empty or cannot be read, or the key is not the
        certificate's.
    """

    def __init__(
        self,
        ca_bundle: Path | None = None,
        client_certificate: Path | None = None,
        client_key: Path | None = None,
    ) -> None:
        anchors = None if ca_bundle is None else _certificates(ca_bundle, "CA bundle")
        chain: list[x509.Certificate] = []
        key: PrivateKeyTypes | None = None
        if client_certificate is not None:
            chain = _certificates(client_certificate, "client certificate")
            key = _key(client_key or client_certificate, chain[0])
        elif client_key is not None:
            raise BadTrust(f"The client key {client_key} needs a client certificate beside it.")
        self._options = _options(anchors, chain, key)

    def creatorForNetloc(  # noqa: N802 - Twisted's name
        self,
        hostname: bytes,
        port: int,  # noqa: ARG002
    ) -> IOpenSSLClientConnectionCreator:
        """Make connections which insist on a certificate for that host."""
        return _Connections(self._options, hostname.decode("ascii"))


def _options(
    anchors: list[x509.Certificate] | None,
    chain: list[x509.Certificate],
    key: PrivateKeyTypes | None,
) -> CertificateOptions:
    own: dict[str, Any] = {}
    if key is not None:
        own = {"privateKey": key, "certificate": chain[0], "extraCertChain": chain[1:]}
    if anchors is None:
        roots = platformTrust()
    else:
        roots = trustRootFromCertificates(
            [Certificate.load(each.public_bytes(Encoding.DER)) for each in anchors]
        )
    options = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2, trustRoot=roots, **own)
    try:
        store = options.getContext().get_cert_store()
    except (SSL.Error, crypto.Error, ValueError) as error:
        raise BadTrust(f"The certificates cannot be used by OpenSSL: {error}.") from error
    if anchors is not None and store is not None:
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    return options


@implementer(IOpenSSLClientConnectionCreator)
class _Connections:
    """Makes the OpenSSL side of connections to one host."""

    def __init__(self, options: CertificateOptions, host: str) -> None:
        self._options = options
        self._host = host
        self._is_address = isIPAddress(host) or isIPv6Address(host)

    def clientConnectionForTLS(  # noqa: N802 - Twisted's name
        self,
        tlsProtocol: TLSMemoryBIOProtocol,  # noqa: N803
    ) -> SSL.Connection:
        """Make a connection that ends with a :class:`CertificateRefused` that says why."""
        connection = SSL.Connection(self._options.getContext(), None)
        if not self._is_address:  # RFC 6066: literal addresses are not permitted
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        # The protocol owns the connection, which owns this callback.
        whom = weakref.ref(tlsProtocol)

        def judge(_: SSL.Connection, shown: crypto.X509, code: int, depth: int, ok: int) -> bool:
            fault = self._fault(shown, code, depth, good=bool(ok))
            protocol = whom()
            if fault is not None and protocol is not None:
                protocol.failVerification(Failure(CertificateRefused(fault)))
            return fault is None

        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, judge)
        return connection

    def _fault(self, shown: crypto.X509, code: int, depth: int, *, good: bool) -> str | None:
        """Say what is wrong with a certificate of the chain; depth 0 is the controller's own."""
        whose = "the controller's certificate" if depth == 0 else "a CA of the controller"
        if not good:
            return f"{whose} {_FAULTS.get(code, f'is not accepted (X.509 fault {code})')}"
        if depth > 0:
            return None
        wanted = IPAddress_ID(self._host) if self._is_address else DNS_ID(self._host)
        try:
            verify_service_identity(extract_patterns(shown), [wanted], [])
        except (VerificationError, CertificateError):
            return f"{whose} was not issued for the host name {self._host}"
        except Exception as error:  # noqa: BLE001 - an error in this callback would pass as silence
            return f"{whose} cannot be read: {error}"
        return None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadTrust(f"The {what} {path} cannot be read: {error.strerror or error}.") from error


def _certificates(path: Path, what: str) -> list[x509.Certificate]:
    pem = _read(path, what)
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise BadTrust(f"The {what} {path} holds no PEM certificate.")
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadTrust(f"The {what} {path} holds a certificate that cannot be read.") from error


def _key(path: Path, certificate: x509.Certificate) -> PrivateKeyTypes:
    pem = _read(path, "client key")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise BadTrust(f"The client key {path} must not be encrypted.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadTrust(f"The client key {path} holds no PEM key that can be read.") from error
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise BadTrust(f"The client key {path} does not belong to the client certificate.")
    return key


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
