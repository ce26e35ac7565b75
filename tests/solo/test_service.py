"""Tests of the service on a reactor in memory."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.defer import maybeDeferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from rakkr.solo.certificates import RENEW_DAYS, SERVER_DAYS, CertificateFiles
from rakkr.solo.service import RENEWAL_SECONDS, SoloService
from rakkr.solo.showing import ShownCertificate

DAY = 86_400.0


class RenewalTests(SynchronousTestCase):
    """The certificate of a server that runs for years."""

    def setUp(self) -> None:
        """Start a controller."""
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.reactor = MemoryReactorClock()
        self.reactor.advance(1_700_000_000.0)
        self.solo = SoloService(
            self.reactor,
            directory=Path(kept.name),
            interface="127.0.0.1",
            port=8443,
            node_id="node_1",
            now=self.reactor.seconds,
            in_thread=maybeDeferred,
        )
        self.solo.startService()
        self.files = CertificateFiles(Path(kept.name))

    def tearDown(self) -> None:
        """Stop it; nothing is left on the clock."""
        self.successResultOf(self.solo.stopService())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def shown(self) -> int:
        """The serial number of the certificate that a client is shown now."""
        maker = self.solo._certificate
        assert maker is not None
        server = maker.serverConnectionForTLS(None)  # type: ignore[arg-type]
        server.set_accept_state()
        client = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        client.set_connect_state()
        while client.get_peer_certificate() is None:
            for here, there in ((client, server), (server, client)):
                with contextlib.suppress(SSL.WantReadError):
                    here.do_handshake()
                with contextlib.suppress(SSL.WantReadError):  # there is nothing to say
                    there.bio_write(here.bio_read(1 << 16))
        found = client.get_peer_certificate(as_cryptography=True)
        assert found is not None
        return found.serial_number

    def written(self) -> int:
        """The serial number of the certificate in its file."""
        return x509.load_pem_x509_certificate(self.files.server.read_bytes()).serial_number

    def test_in_time(self) -> None:
        """It is looked at daily, and renewed for new connections in its last 30 days."""
        first = self.shown()
        self.assertEqual(RENEWAL_SECONDS, DAY)
        self.reactor.advance((SERVER_DAYS - RENEW_DAYS - 1) * DAY)
        self.assertEqual(self.shown(), first)
        self.reactor.advance(DAY)
        self.assertNotEqual(self.shown(), first)
        self.assertEqual(self.shown(), self.written())

    def test_one_failure(self) -> None:
        """A disk that fails once does not end the renewals, nor the service."""
        first = self.shown()
        key = self.files.ca_key.read_bytes()
        self.files.ca_key.write_bytes(b"damaged")
        self.reactor.advance(SERVER_DAYS * DAY - 2 * DAY)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.shown(), first)
        self.files.ca_key.write_bytes(key)
        self.reactor.advance(DAY)
        self.assertNotEqual(self.shown(), first)

    def test_nothing_new(self) -> None:
        """A certificate that is shown already is not loaded again."""
        self.assertFalse(ShownCertificate(self.files).refresh())
