"""Connections that read before they give up."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from rakkr.controller.links import Link


class Socket(StringTransport):
    """A TCP transport whose write fails while an answer lies unread."""

    def __init__(self) -> None:
        super().__init__()
        self.result: Any = 5
        self.link: Link | None = None
        self.aborted = False

    def writeSomeData(self, _data: bytes) -> Any:
        """Write as ``tcp.Connection`` does: a failure is returned, not raised."""
        return self.result

    def doRead(self) -> None:
        """Read what lies there."""
        assert self.link is not None
        self.link.dataReceived(b"HTTP/1.1 409 Conflict")

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborted = True


class Answers(Protocol):
    """Keeps what it is given; its state is the HTTP protocol's."""

    def __init__(self) -> None:
        self.got = b""
        self.state = "QUIESCENT"

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.got += data


class LinkTests(SynchronousTestCase):
    """One connection, seen from both sides."""

    def setUp(self) -> None:
        """Connect a link to a socket."""
        self.clock = Clock()
        self.socket, self.answers = Socket(), Answers()
        self.alive: set[Link] = set()
        factory: WrappingFactory[Link] = WrappingFactory(Factory())
        self.link = self.socket.link = Link(factory, self.answers, self.clock, self.alive)
        self.link.makeConnection(self.socket)

    def test_a_failing_write_reads_first(self) -> None:
        """An answer that arrived before a reset is read although writing failed."""
        transport: Any = self.socket
        self.assertEqual(transport.writeSomeData(b"body"), 5)
        self.assertEqual(self.answers.got, b"")
        self.socket.result = ConnectionLost()
        self.assertIs(transport.writeSomeData(b"body"), self.socket.result)
        self.assertEqual(self.answers.got, b"HTTP/1.1 409 Conflict")
        self.assertTrue(self.link.answered)

    def test_busy_closes_at_once(self) -> None:
        """A connection whose request was given up is aborted, and no timer is left."""
        self.answers.state = "WAITING"
        self.link.loseConnection()
        self.assertTrue(self.socket.aborted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle_closes_politely_for_a_moment(self) -> None:
        """An idle connection is closed politely, and aborted when that takes longer than 1 s."""
        self.link.loseConnection()
        self.link.loseConnection()
        self.assertTrue(self.socket.disconnecting)
        self.clock.advance(0.9)
        self.assertFalse(self.socket.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.socket.aborted)

    def test_gone(self) -> None:
        """A connection that ended leaves no timer, and whoever waits for its end knows."""
        self.link.loseConnection()
        self.assertEqual(self.alive, {self.link})
        self.link.connectionLost()
        self.successResultOf(self.link.gone)
        self.assertEqual(self.alive, set())
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Records(TLSMemoryBIOProtocol):
    """TLS that takes so many records and then wants to read first."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.passed: list[bytes] = []
        self.records: list[bytes] = []
        self._aggregator = self
        self._handshakeDone = True
        self._appSendBuffer: list[bytes] = []
        self._tlsConnection: Any = self
        self.disconnecting = False
        self.transport = StringTransport()

    def flush(self) -> None:
        """Write what was kept back."""
        self.passed.append(b"flushed")

    def send(self, record: bytes) -> int:
        """Take a record, as OpenSSL does."""
        if len(self.records) == self.takes:
            raise SSL.WantReadError
        self.records.append(bytes(record))
        return len(record)

    def bio_read(self, most: int) -> bytes:
        """Give what is to be sent."""
        if not self.records:
            raise SSL.WantReadError
        return b"".join(self.records)[:most]

    def write(self, data: bytes) -> None:
        """Take what is written the ordinary way."""
        self.passed.append(data)


class RecordTests(SynchronousTestCase):
    """Much at once through TLS."""

    def write(self, takes: int, size: int) -> tuple[bytes, list[bytes]]:
        """Write, and return what TCP got and what was left to Twisted."""
        tls = Records(takes)
        factory: WrappingFactory[Link] = WrappingFactory(Factory())
        link = Link(factory, Answers(), Clock(), set())
        link.transport = tls
        data = bytes(range(256)) * (size // 256)
        link.write(data)
        transport: Any = tls.transport
        self.assertEqual(transport.value() + b"".join(tls.passed).replace(b"flushed", b""), data)
        return transport.value(), tls.passed

    def test_at_once(self) -> None:
        """Many records go to TCP together, after what was written before; few go as ever."""
        sent, passed = self.write(99, 1 << 18)
        self.assertEqual((len(sent), passed), (1 << 18, [b"flushed"]))
        sent, passed = self.write(99, (1 << 15) - 256)
        self.assertEqual((len(sent), len(passed)), (0, 1))

    def test_the_rest_is_twisteds(self) -> None:
        """What TLS does not take at the moment is left to Twisted, all of it and in order."""
        for takes in (0, 1, 5):
            sent, passed = self.write(takes, 1 << 18)
            self.assertEqual(len(sent), takes << 14)
            self.assertEqual(passed[0], b"flushed")
