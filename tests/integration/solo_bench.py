"""A controller on a real port, curl, and a client that writes what it likes."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from rakkr.process import Ladder, Ran, run
from rakkr.solo.service import SoloService, solo_service

reactor: Any = installed_reactor


def controller(directory: Path, **arguments: Any) -> SoloService:
    """A controller on a free port of the loopback, not started yet."""
    return solo_service(
        reactor,
        directory=directory,
        now=time.time,
        in_thread=functools.partial(deferToThreadPool, reactor, reactor.getThreadPool()),
        **{"interface": "127.0.0.1", "port": 0, "node_id": "node_1", **arguments},
    )


class Wire(Protocol):
    """The bytes of one TLS connection; ``closed`` fires when it is gone."""

    def __init__(self) -> None:
        self.received = b""
        self.sent = 0
        self.closed: Deferred[None] = Deferred()
        self._waiting: list[tuple[bytes, Deferred[bytes]]] = []

    def write(self, data: bytes) -> None:
        """Send some bytes."""
        assert self.transport is not None
        self.sent += len(data)
        self.transport.write(data)

    def until(self, mark: bytes) -> Deferred[bytes]:
        """Fires with all that was received once it holds a mark."""
        waiter: Deferred[bytes] = Deferred()
        self._waiting.append((mark, waiter))
        self.dataReceived(b"")
        return waiter

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        ready = [pair for pair in self._waiting if pair[0] in self.received]
        self._waiting = [pair for pair in self._waiting if pair not in ready]
        for _, waiter in ready:
            waiter.callback(self.received)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed.callback(None)


class Flood:
    """Writes zeros for as long as the connection takes them, answer or not."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._going = True
        self._paused = False
        self._next: IDelayedCall | None = None
        assert wire.transport is not None
        wire.transport.registerProducer(self, True)  # type: ignore[attr-defined]
        wire.closed.addCallback(lambda _: self.stopProducing())
        self._step()

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        self._going = False
        if self._next is not None and self._next.active():
            self._next.cancel()

    def resumeProducing(self) -> None:
        self._paused = False

    def _step(self) -> None:
        """One piece for each turn of the reactor: a connection that is closing never says stop."""
        if self._going:
            if not self._paused:
                self._wire.write(bytes(1 << 16))
            self._next = reactor.callLater(0, self._step)


@attrs.frozen
class Bench:
    """Clients of one controller."""

    solo: SoloService

    @property
    def node_token(self) -> str:
        return self.solo.node_token_file.read_text().strip()

    @property
    def operator_token(self) -> str:
        return self.solo.operator_token_file.read_text().strip()

    async def curl(self, *arguments: str, ca: bool = True) -> Ran:
        """Run curl."""
        argv = ["curl", "-sS", *(["--cacert", str(self.solo.ca_path)] if ca else []), *arguments]
        return await run(reactor, reactor, argv, env={}, ladder=Ladder(limit=50.0))

    async def ask(self, path: str, *arguments: str, token: str | None = None) -> Any:
        """The data of an answer to curl, None for an empty one."""
        token = token or self.operator_token
        ran = await self.curl(
            "-H", f"Authorization: Bearer {token}", f"{self.solo.url}/api/v1{path}", *arguments
        )
        assert ran.exit.ok, ran
        return json.loads(ran.stdout)["data"] if ran.stdout else None

    async def running(self) -> tuple[str, str]:
        """A recording whose job was claimed."""
        made = await self.ask("/solo/recordings", "-d", '{"durationSeconds": 10}')
        job = made["job"]["id"]
        await self.ask(f"/recording-jobs/{job}/claim", "-X", "POST", token=self.node_token)
        return made["recording"]["id"], job

    async def wire(self) -> Wire:
        """A connection that trusts the controller's authority."""
        authority = Certificate.loadPEM(self.solo.ca_path.read_bytes())
        options = optionsForClientTLS("localhost", authority)
        endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", self.solo.port, options)
        wire: Wire = await connectProtocol(endpoint, Wire())
        return wire

    def put(self, recording: str, length: int, *more: str) -> bytes:
        """The head of an upload."""
        lines = [
            f"PUT /api/v1/recordings/{recording}/cache-file HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.node_token}",
            f"Content-Length: {length}",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode()


def when(condition: Callable[[], bool]) -> Deferred[None]:
    """Fires when a condition holds; for what nobody announces."""
    waiter: Deferred[None] = Deferred()

    def look() -> None:
        if condition():
            waiter.callback(None)
        else:
            reactor.callLater(0.01, look)

    look()
    return waiter
