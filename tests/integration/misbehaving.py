"""Small servers on real sockets that do to a client what a controller in trouble does."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, CertificateOptions, trustRootFromCertificates
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from rakkr.clock import WallTime
from rakkr.controller.address import ControllerAddress
from rakkr.controller.client import ControllerClient, make_client
from rakkr.controller.token import TextToken, TokenSource
from rakkr.controller.transport import Timeouts
from rakkr.controller.trust import Trust
from rakkr.threads import InThread

reactor: Any = global_reactor
NODE = b'{"data":{"id":"node_1","status":"online","interfaces":[]}}'


def in_thread() -> InThread:
    """Run blocking work in the reactor's own pool."""
    return functools.partial(deferToThreadPool, reactor, reactor.getThreadPool())


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Conversation(Protocol):
    """
    The server's side of one connection.

    :ivar head: the request line and headers of the request that is answered now.
    :ivar rest: what arrived with them, the beginning of the body.
    :ivar begun: for a behaviour to note what it did.
    :ivar requests: how many requests came over this connection.
    :ivar lost: fires when the connection is gone.
    """

    def __init__(self, behave: Callable[[Conversation], None]) -> None:
        self._behave = behave
        self._pending = b""
        self.head = b""
        self.rest = b""
        self.begun = False
        self.requests = 0
        self.lost: Deferred[None] = Deferred()
        self.gone = False

    def dataReceived(self, data: bytes) -> None:
        """Collect a request; its behaviour is called at the end of its headers."""
        if data[:1] == b"\x16":  # a TLS handshake, but this is no TLS
            self._behave(self)
            return
        if self.head.startswith(b"PUT") and not data.startswith(b"PUT"):
            return  # of a body that nobody wants
        self._pending += data
        head, end, rest = self._pending.partition(b"\r\n\r\n")
        if end:
            self._pending = b""
            self.head, self.rest = head, rest
            self.requests += 1
            self._behave(self)

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Note the end."""
        self.gone = True
        self.lost.callback(None)

    def say(self, data: bytes) -> None:
        """Write to the client."""
        assert self.transport is not None
        self.transport.write(data)

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers."""
        transport: Any = self.transport
        transport.pauseProducing()

    def read_on(self) -> None:
        """Read again, and so learn whether the client is still there."""
        transport: Any = self.transport
        transport.resumeProducing()

    def reset(self) -> None:
        """End the connection with a reset."""
        transport: Any = self.transport
        transport.abortConnection()


@attrs.define
class Server:
    """A server that runs: where, and with whom it talked."""

    url: str
    conversations: list[Conversation] = attrs.field(factory=list)


@asynccontextmanager
async def serving(
    behave: Callable[[Conversation], None], tls: CertificateOptions | None = None
) -> AsyncIterator[Server]:
    """Run a server with a behaviour on loopback until the block ends."""
    made: list[Conversation] = []

    class Conversations(Factory):
        noisy = False

        def buildProtocol(self, _address: object) -> Conversation:
            made.append(Conversation(behave))
            return made[-1]

    if tls is None:
        port = reactor.listenTCP(0, Conversations(), interface="127.0.0.1")
        scheme = "http"
    else:
        port = reactor.listenSSL(0, Conversations(), tls, interface="127.0.0.1")
        scheme = "https"
    try:
        yield Server(f"{scheme}://127.0.0.1:{port.getHost().port}", made)
    finally:
        await port.stopListening()
        for each in made:
            if each.transport is not None and not each.gone:
                each.reset()
                await each.lost


@asynccontextmanager
async def client_of(
    url: str,
    *,
    trust: Trust | None = None,
    token: TokenSource | None = None,
    wall: WallTime | None = None,
    **timeouts: float,
) -> AsyncIterator[ControllerClient]:
    """Give a client, and close its connections afterwards."""
    client = make_client(
        reactor,
        wall or WallTime(time.time),
        ControllerAddress.parse(url),
        token or TextToken("rakkr_node_test"),
        trust or Trust(),
        node_id="node_1",
        timeouts=Timeouts(**timeouts),
        in_thread=in_thread(),
    )
    try:
        yield client
    finally:
        await client.close()


def server_tls(
    authority: trustme.CA,
    *names: str,
    expired: bool = False,
    clients: trustme.CA | None = None,
) -> CertificateOptions:
    """
    Make a server's TLS.

    :param names: whom its certificate is for, by default 127.0.0.1.
    :param expired: whether that certificate is of the past.
    :param clients: the CA of the client certificates that it insists on.
    """
    names = names or ("127.0.0.1",)
    if expired:
        past, long_past = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2019))
        issued = authority.issue_cert(*names, not_before=long_past, not_after=past)
    else:
        issued = authority.issue_cert(*names)
    chain = [x509.load_pem_x509_certificate(each.bytes()) for each in issued.cert_chain_pems]
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    root = None
    if clients is not None:
        root = trustRootFromCertificates([Certificate.loadPEM(clients.cert_pem.bytes())])
    # pyOpenSSL wants the types of cryptography now; Twisted's annotations are of before.
    own: dict[str, Any] = {
        "privateKey": key,
        "certificate": chain[0],
        "extraCertChain": chain[1:],
    }
    return CertificateOptions(trustRoot=root, **own)


def write_pem(path: Path, *pems: trustme.Blob) -> Path:
    """Write certificates or keys into one file."""
    path.write_bytes(b"".join(each.bytes() for each in pems))
    return path
