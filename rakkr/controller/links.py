"""
Connections to the controller that really close, and that tell a stale one from a refusal.

Twisted's pool and agent do the HTTP.  What is added here is what they do not promise: a socket
whose request was given up is aborted (a polite TLS close waits for a peer that may never answer);
an answer that arrived before a reset is read although writing failed; and the death of an idle
socket is told from any other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseNeverReceived,
)
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS, IResponse
from zope.interface import implementer

# How long a polite close may take, in seconds.
_FAREWELL = 1.0
# The most that one TLS record holds, and from where on it pays to make several at once.
_RECORD = 1 << 14
_LARGE = 1 << 15
# States of Twisted's HTTP client: between requests, and closed by the pool between requests.
_IDLE = ("QUIESCENT", "ABORTING")


class StaleSocket(Exception):
    """A reused connection died before it gave a single byte of an answer."""


class Link(ProtocolWrapper):
    """
    One connection, between the HTTP protocol and TLS (or TCP).

    :ivar uses: how many requests went over it.
    :ivar answered: whether any byte arrived since the last of them began.
    :ivar gone: fires when the connection is closed.
    """

    def __init__(
        self, factory: WrappingFactory[Link], wrapped: Any, clock: IReactorTime, alive: set[Link]
    ) -> None:
        """
        Stand between.

        :param alive: holds the link from now until it is gone.
        """
        super().__init__(factory, wrapped)
        self._clock = clock
        self._alive = alive
        self.gone: Deferred[None] = Deferred()
        self._farewell: IDelayedCall | None = None
        self.uses = 0
        self.answered = False

    def makeConnection(self, transport: ITransport) -> None:  # noqa: N802 - Twisted's name
        """Connect, and see to it that a failing write does not lose an answer."""
        _read_before_giving_up(getattr(transport, "transport", transport))
        self._alive.add(self)
        super().makeConnection(transport)

    def write(self, data: bytes) -> None:
        """Pass a request on."""
        if len(data) >= _LARGE and isinstance(self.transport, TLSMemoryBIOProtocol):
            _write_records(self.transport, data)
        else:
            super().write(data)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Pass an answer on."""
        self.answered = True
        super().dataReceived(data)

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close politely, for a moment, when idle; at once when a request was given up."""
        if getattr(self.wrappedProtocol, "state", None) not in _IDLE:
            self.abort()
        elif self._farewell is None:
            self._farewell = self._clock.callLater(_FAREWELL, self.abort)
            super().loseConnection()

    def abort(self) -> None:
        """Close the socket now, whatever the peer does."""
        self.disconnecting = 1
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Pass the end on."""
        if self._farewell is not None and self._farewell.active():
            self._farewell.cancel()
        super().connectionLost(reason)
        self._alive.discard(self)
        self.gone.callback(None)


_PRIVATE_NAMES = ("_aggregator", "_appSendBuffer", "_handshakeDone", "_tlsConnection")


def _write_records(tls: Any, data: bytes) -> None:
    """
    Write much into TLS at once.

    Twisted hands every record of 16 KiB to TCP by itself, one call each.  This makes all records
    first and hands them over together; whatever is out of the ordinary is left to Twisted, and so
    is everything by a Twisted that has other private names.
    """
    if not all(hasattr(tls, name) for name in _PRIVATE_NAMES):
        tls.write(data)
        return
    view = memoryview(data)
    written = 0
    tls._aggregator.flush()  # what was written before comes before
    if tls._handshakeDone and not tls._appSendBuffer and not tls.disconnecting:
        with contextlib.suppress(SSL.Error):  # Twisted meets it again, and knows what to do
            while written < len(view):
                written += tls._tlsConnection.send(view[written : written + _RECORD])
        with contextlib.suppress(SSL.WantReadError):  # nothing was written
            tls.transport.write(tls._tlsConnection.bio_read(len(data) + _LARGE))
    if written < len(view):
        tls.write(bytes(view[written:]))


def _read_before_giving_up(tcp: Any) -> None:
    """
    Make a TCP transport read what has arrived when a write fails.

    A server that refuses an upload early answers and resets.  The reactor reads first when it
    sees both; but when answer and reset arrive between its look and its write, the failing write
    would close the socket with the answer unread in it.
    """
    write: Callable[[Any], Any] | None = getattr(tcp, "writeSomeData", None)
    if write is None:  # no TCP: a transport of a test
        return

    def write_or_read(data: Any) -> Any:
        result = write(data)
        if isinstance(result, Exception):
            tcp.doRead()
        return result

    tcp.writeSomeData = write_or_read


@implementer(IAgentEndpointFactory)
class LinkEndpoints:
    """Makes endpoints whose connections are links."""

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS, connect_seconds: float) -> None:
        self._reactor = reactor
        self._policy = policy
        self._connect_seconds = connect_seconds
        self._alive: set[Link] = set()

    def close(self) -> Deferred[None]:
        """Close every connection, also one in use, and fire when they are gone."""
        leaving = list(self._alive)
        for link in leaving:
            link.loseConnection()
        return gatherResults([link.gone for link in leaving]).addCallback(lambda _: None)

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:  # noqa: N802 - Twisted's name
        """Make the endpoint of a URL's host."""
        host = uri.host.decode("ascii")
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, host, uri.port, timeout=self._connect_seconds
        )
        if uri.scheme == b"https":
            endpoint = wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        return _LinkEndpoint(endpoint, self._reactor, self._alive)


@implementer(IStreamClientEndpoint)
class _LinkEndpoint:
    def __init__(
        self, endpoint: IStreamClientEndpoint, clock: IReactorTime, alive: set[Link]
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._alive = alive

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:  # noqa: N803
        """Connect, with a link between the transport and the protocol."""
        factory: WrappingFactory[Link] = WrappingFactory(protocolFactory)
        factory.noisy = False
        factory.protocol = lambda factory, wrapped: Link(factory, wrapped, self._clock, self._alive)
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        return connecting.addCallback(lambda link: link.wrappedProtocol)


class LinkPool(HTTPConnectionPool):
    """A pool that says :class:`StaleSocket` when a connection out of it was dead already."""

    # Ours decides for every method, so Twisted's own, which knows only GET, is off.
    retryAutomatically = False  # noqa: N815 - Twisted's name

    def getConnection(  # noqa: N802 - Twisted's name
        self, key: Any, endpoint: IStreamClientEndpoint
    ) -> Deferred[Any]:
        """Give a connection, new or reused, for one request."""
        return super().getConnection(key, endpoint).addCallback(_Request)


class _Request:
    """One request over a connection; the agent asks nothing else of a connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def request(self, request: Any) -> Deferred[IResponse]:
        link: Link = self._connection.transport
        reused = link.uses > 0
        link.uses += 1
        link.answered = False

        def judge(failure: Failure) -> Failure:
            if reused and not link.answered and _died(failure):
                raise StaleSocket from failure.value
            return failure

        sending: Deferred[IResponse] = self._connection.request(request)
        return sending.addErrback(judge)


def _died(failure: Failure) -> bool:
    """Whether the connection ended by itself: not cancelled by us, not failed by our own body."""
    if not failure.check(RequestTransmissionFailed, ResponseNeverReceived):
        return False
    error: Any = failure.value
    return all(each.check(ConnectionDone, ConnectionLost, SSL.Error) for each in error.reasons)
