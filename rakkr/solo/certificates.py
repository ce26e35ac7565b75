"""The throwaway authority of this machine, and the server certificate that it signs."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rakkr.durable import write_atomically

AUTHORITY_DAYS = 3650
SERVER_DAYS = 365
RENEW_DAYS = 30
_LEEWAY = timedelta(hours=1)  # clocks of nodes run behind


class UnusableCertificates(Exception):
    """The certificate files cannot be used; the message says what to do."""


@attrs.frozen
class CertificateFiles:
    """Where the four files of a server lie: the keys are readable by their owner only."""

    directory: Path

    @property
    def ca(self) -> Path:
        """What clients trust."""
        return self.directory / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """The authority's key."""
        return self.directory / "ca-key.pem"

    @property
    def server(self) -> Path:
        """What the server shows."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's key."""
        return self.directory / "server-key.pem"


@attrs.frozen
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, certificate_path: Path, key_path: Path) -> None:
        # The key first: a certificate whose key is missing would be shown to nobody.
        write_atomically(
            key_path,
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            mode=0o600,
        )
        write_atomically(
            certificate_path, self.certificate.public_bytes(serialization.Encoding.PEM)
        )


def _read(certificate_path: Path, key_path: Path) -> _Pair | None:
    """What two files hold; None when one is missing or they do not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UnusableCertificates(
            f"{certificate_path} or {key_path} is damaged ({error}); "
            "delete both to have new ones made."
        ) from error
    matching = isinstance(key, ec.EllipticCurvePrivateKey) and (
        key.public_key() == certificate.public_key()
    )
    return _Pair(certificate, key) if matching else None  # type: ignore[arg-type]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    # Two machines' authorities must differ by name, or a bundle of both confuses verifiers.
    name = _name(f"rakkr solo authority {x509.random_serial_number() >> 96:016x}")
    certificate = (
        _unsigned(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def server_names(interface: str) -> list[x509.GeneralName]:
    """The names that a server on this interface goes by."""
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    addresses = ["127.0.0.1", "::1"]
    try:
        ipaddress.ip_address(interface)
    except ValueError:
        if interface and interface != "localhost":
            names.append(x509.DNSName(interface))
    else:
        addresses += [interface] if interface not in addresses else []
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def _make_server(authority: _Pair, interface: str, now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    certificate = (
        _unsigned(_name("rakkr solo"), issuer.subject, key, now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(server_names(interface)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _serves(pair: _Pair, authority: _Pair, interface: str, now: datetime) -> bool:
    """Whether a server certificate is ours, long enough valid, and has all the names."""
    certificate = pair.certificate
    if certificate.not_valid_after_utc <= now + timedelta(days=RENEW_DAYS):
        return False
    try:
        certificate.verify_directly_issued_by(authority.certificate)
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
        return False
    return all(name in alternatives.value for name in server_names(interface))


def ensure_certificates(directory: Path, interface: str, unix_seconds: float) -> CertificateFiles:
    """
    Make what is missing, and renew the server certificate in its last 30 days.

    The authority is kept for as long as it is valid, so that what clients trust stays the same.

    :param unix_seconds: now.
    :raises UnusableCertificates: when a file is there and cannot be read as what it should be.
    :raises OSError: when a file can neither be read nor written.
    """
    now = datetime.fromtimestamp(unix_seconds, UTC)
    files = CertificateFiles(directory)
    authority = _read(files.ca, files.ca_key)
    if authority is None or authority.certificate.not_valid_after_utc <= now + timedelta(
        days=RENEW_DAYS
    ):
        authority = _make_authority(now)
        authority.write(files.ca, files.ca_key)
    server = _read(files.server, files.server_key)
    if server is None or not _serves(server, authority, interface, now):
        _make_server(authority, interface, now).write(files.server, files.server_key)
    return files
