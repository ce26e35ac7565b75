"""Somebody who holds a device lets go of it before a capture needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import FindRoute

PATIENCE_SECONDS: Final = 5.0
"""A recording does not wait longer: the device may be free all the same, or another one."""


@attrs.define
class GivingWay:
    """
    Finds routes, when whoever holds devices has let go of them.

    What goes wrong there keeps nobody from recording.

    :ivar holders: each lets go of what it holds, and fires when it has.
    """

    find_route: FindRoute
    clock: IReactorTime
    holders: list[Callable[[], Deferred[None]]] = attrs.field(factory=list)

    log = Logger()

    def __call__(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Complete a request; see :class:`FindRoute`."""
        return Deferred.fromCoroutine(self._complete(request))

    async def _complete(self, request: CaptureRequest) -> CaptureRequest:
        for let_go in self.holders:
            await self._wait(let_go)
        return await self.find_route(request)

    async def _wait(self, let_go: Callable[[], Deferred[None]]) -> None:
        try:
            await maybeDeferred(let_go).addTimeout(PATIENCE_SECONDS, self.clock)
        except CancelledError:
            raise
        except defer.TimeoutError:
            self.log.warn(
                "a device is still held after {seconds} s; it is recorded all the same",
                seconds=PATIENCE_SECONDS,
            )
        except Exception:  # noqa: BLE001 - evidence never hurts capture
            self.log.failure("a device could not be let go of")
