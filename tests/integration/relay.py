"""A relay between an agent and its controller that breaks connections the way networks do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol


class _Side(Protocol):
    """One end of a relayed connection; bytes wait until the other end is there."""

    transport: Any

    def __init__(self, pause: Callable[[int], float] = lambda _: 0.0) -> None:
        """:param pause: says for how many seconds to read nothing after so many bytes."""
        self.other: _Side | None = None
        self._early: list[bytes] = []
        self._pause = pause
        self._paused: Any = None

    def join(self, other: _Side) -> None:
        """Pass on what came early, and everything that follows."""
        self.other = other
        for data in self._early:
            other.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)
        if (seconds := self._pause(len(data))) > 0:
            self.transport.pauseProducing()
            self._paused = reactor.callLater(seconds, self._resume)

    def _resume(self) -> None:
        self._paused = None
        self.transport.resumeProducing()

    def connectionLost(self, reason: Any = None) -> None:
        if self._paused is not None:
            self._paused.cancel()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.loseConnection()


class Relay(Factory):
    """
    Relays bytes, TLS and all, from a port of its own to a controller.

    :ivar target: the controller's port.
    :ivar down: refuse: every connection is reset as soon as it comes.
    :ivar silent: accept, and never answer.
    :ivar pace: bytes in a second that are read from each connection of the agent; None for all.
    :ivar connections: how many were accepted.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self._sides: list[_Side] = []
        self._listening: Any = None
        self.down = False
        self.silent = False
        self.pace: float | None = None
        self.connections = 0

    @property
    def url(self) -> str:
        """Where agents find it."""
        assert self._listening is not None
        return f"https://127.0.0.1:{self._listening.getHost().port}"

    async def __aenter__(self) -> Relay:
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        await self._listening.stopListening()
        self.reset()

    def reset(self) -> None:
        """Break every connection that there is."""
        sides, self._sides = self._sides, []
        for side in sides:
            if side.transport is not None:
                side.transport.abortConnection()

    def buildProtocol(self, addr: Any) -> Protocol | None:
        self.connections += 1
        if self.down:
            return None  # closed at once
        near = _Side(lambda size: size / self.pace if self.pace else 0.0)
        self._sides.append(near)
        if not self.silent:
            self._connect(near)
        return near

    def _connect(self, near: _Side) -> None:
        far = _Side()
        self._sides.append(far)
        joining = connectProtocol(HostnameEndpoint(reactor, "127.0.0.1", self.target), far)

        def joined(_: object) -> None:
            far.join(near)
            near.join(far)

        joining.addCallbacks(joined, lambda _: near.transport.abortConnection())
