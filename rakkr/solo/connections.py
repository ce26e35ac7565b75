"""The TLS connections of a server, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOFactory

CLOSE_SECONDS = 1.0


class Connections(TLSMemoryBIOFactory):
    """The connections that are open, and word of when none is."""

    noisy = False
    _when_none: Callable[[], object] | None = None

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:  # noqa: N802
        """One is gone."""
        super().unregisterProtocol(p)
        if not self.protocols and self._when_none is not None:
            self._when_none()
            self._when_none = None

    def close(self, clock: IReactorTime) -> Deferred[None]:
        """Close them all, politely at first; fires when none is left."""
        gone: Deferred[None] = Deferred()
        if not self.protocols:
            gone.callback(None)
            return gone
        # Later, because the protocol inside learns of its end only after this factory does.
        self._when_none = partial(clock.callLater, 0, gone.callback, None)
        abort = clock.callLater(CLOSE_SECONDS, self._abort)
        for connection in list(self.protocols):
            connection.loseConnection()
        return gone.addBoth(_cancelling(abort))

    def _abort(self) -> None:
        for connection in list(self.protocols):
            connection.abortConnection()


def _cancelling(timer: IDelayedCall) -> Callable[[Any], Any]:
    def cancel(result: Any) -> Any:
        if timer.active():
            timer.cancel()
        return result

    return cancel
