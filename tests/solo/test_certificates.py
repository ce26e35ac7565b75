"""Tests of the throwaway authority."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.certificates import (
    RENEW_DAYS,
    SERVER_DAYS,
    CertificateFiles,
    UnusableCertificates,
    ensure_certificates,
)

NOW = 1_700_000_000.0
DAY = 86400.0


class CertificateTests(SynchronousTestCase):
    def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.directory = Path(kept.name)

    def ensure(self, interface: str = "127.0.0.1", now: float = NOW) -> tuple[bytes, bytes]:
        self.files: CertificateFiles = ensure_certificates(self.directory, interface, now)
        return self.files.ca.read_bytes(), self.files.server.read_bytes()

    def server(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.files.server.read_bytes())

    def names(self) -> list[str]:
        found = self.server().extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return [str(name.value) for name in found.value]

    def test_first_start(self) -> None:
        """The authority signs the server, and only the owner reads the keys."""
        self.ensure()
        authority = x509.load_pem_x509_certificate(self.files.ca.read_bytes())
        self.server().verify_directly_issued_by(authority)
        self.assertEqual(self.names(), ["localhost", "127.0.0.1", "::1"])
        for key in (self.files.ca_key, self.files.server_key):
            self.assertEqual(key.stat().st_mode & 0o777, 0o600)

    def test_kept(self) -> None:
        """The next start uses what is there."""
        self.assertEqual(self.ensure(), self.ensure())

    def test_renewal(self) -> None:
        """The server certificate is renewed in its last 30 days, and the authority stays."""
        first = self.ensure()
        last_day = NOW + (SERVER_DAYS - RENEW_DAYS) * DAY
        self.assertEqual(self.ensure(now=last_day - 1), first)
        renewed = self.ensure(now=last_day)
        self.assertEqual(renewed[0], first[0])
        self.assertNotEqual(renewed[1], first[1])

    def test_another_interface(self) -> None:
        """A server that moves gets a certificate with its new name or address."""
        first = self.ensure()
        self.assertEqual(self.ensure("192.0.2.7")[0], first[0])
        self.assertIn("192.0.2.7", self.names())
        self.ensure("recorder.example")
        self.assertIn("recorder.example", self.names())

    def test_lost_key(self) -> None:
        """A server key that is gone is made again."""
        self.ensure()
        self.files.server_key.unlink()
        self.ensure()
        self.assertTrue(self.files.server_key.exists())

    def test_damage(self) -> None:
        """A damaged file is named, and nothing is overwritten."""
        self.ensure()
        self.files.ca.write_bytes(b"no certificate")
        error = self.assertRaises(UnusableCertificates, self.ensure)
        self.assertIn("ca.pem", str(error))
        self.assertEqual(self.files.ca.read_bytes(), b"no certificate")
