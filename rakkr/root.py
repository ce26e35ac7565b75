"""The service that holds the others, and takes them down in the order that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger


class RecorderService(MultiService):
    """
    Starts its children in the order they were added, and stops them one after another, last first.

    Twisted's own ``MultiService`` stops all at once; here the uploads of the last recording still
    need the heartbeat, the events and the connection pool.
    """

    log = Logger()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop the children in turn; one that fails is logged and does not keep the others up."""
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for child in reversed(list(self)):
            try:
                await maybeDeferred(child.stopService)
            except Exception:  # noqa: BLE001 - the way down must be gone to its end
                self.log.failure("{name} did not stop cleanly", name=IService(child).name)


class Resource(Service):
    """
    Something that is no service but is opened and closed like one.

    :ivar name: what it is, for the log.
    """

    def __init__(
        self,
        name: str,
        *,
        opening: Callable[[], Any] = lambda: None,
        closing: Callable[[], Any] = lambda: None,
    ) -> None:
        self.setName(name)
        self._opening = opening
        self._closing = closing

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Open it."""
        super().startService()
        self._opening()

    def stopService(self) -> Any:  # noqa: N802 - Twisted's name
        """Close it; fires when it is closed."""
        super().stopService()
        return self._closing()
