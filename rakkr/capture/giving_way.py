"""Somebody who holds a device lets go of it before a capture needs it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred

from rakkr.capture.request import CaptureRequest
from rakkr.capture.router import FindRoute


@attrs.define
class GivingWay:
    """
    Finds routes, when whoever holds devices has let go of them.

    :ivar holders: each lets go of what it holds, and fires when it has.
    """

    find_route: FindRoute
    holders: list[Callable[[], Deferred[None]]] = attrs.field(factory=list)

    def __call__(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        """Complete a request; see :class:`FindRoute`."""
        return Deferred.fromCoroutine(self._complete(request))

    async def _complete(self, request: CaptureRequest) -> CaptureRequest:
        for let_go in self.holders:
            await let_go()
        return await self.find_route(request)
