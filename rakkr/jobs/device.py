"""The device of a take: found again when it comes back under another number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.audio.pcm import SampleFormat
from rakkr.capture.request import CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.inventory.reference import parse_reference
from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.plan import SessionPlan
from rakkr.jobs.records import DeviceKnown
from rakkr.jobs.workplace import Workplace

ASK_SECONDS: Final = 30.0


class KnownDevice:
    """
    What is to be opened, now and after a loss.

    :ivar name: what was opened last.
    :ivar identity: which card it is, once that is known; another card is never opened for it.
    """

    log = Logger()

    def __init__(self, place: Workplace, plan: SessionPlan) -> None:
        self.name = plan.device
        self.identity: DeviceIdentity | None = None
        self._place = place
        self._learning: Deferred[None] = succeed(None)
        self._plan = plan

    async def now(self) -> Found:
        """Say what is to be opened at this moment, or why there is nothing."""
        if self.identity is None:
            self.name = await self._refreshed() or self._plan.device
            return Found(device=self.name)
        found = await self._place.devices.find(self.identity, self._plan.device)
        self.name = found.device or self.name
        return found

    async def _refreshed(self) -> str | None:
        """Ask for another name of the job's interface (the contract's jobs.md, section 9)."""
        plan = self._plan
        if plan.backend != "alsa" or plan.interface_id is None:
            return None
        return await self._place.devices.refreshed(plan.device, plan.interface_id)

    async def ready(
        self, request: CaptureRequest, began: SampleFormat | None = None
    ) -> CaptureRequest | str:
        """
        Find out how it is captured at this moment, or say why it cannot be.

        :param began: the format of what there is already, which what follows has to have, too.
        """
        request = request if began is None else attrs.evolve(request, format=began)
        found = await self.now()
        if found.device is None:
            return found.absent or f"{request.device} is not there"
        try:
            routed = await self._place.find_route(attrs.evolve(request, device=found.device))
        except (CannotLaunch, NotThere) as reason:
            return str(reason)
        call = None if routed.route is None else routed.route.launch
        if call is not None and began is not None and call.format != began:
            return (
                f"{call.argv[0]} delivers {call.format.name}, and the recording began with"
                f" {began.name}: they cannot be one file"
            )
        return routed

    def learn(self, note: Callable[[Any], Deferred[None]]) -> None:
        """
        Find out which card is open, which gives samples and so is there.

        A sound system that does not answer is asked again, until :meth:`rest`.
        """
        self.rest()
        if self.identity is None:
            self._learning = Deferred.fromCoroutine(self._learn(note))
            self._learning.addErrback(self._broke)

    def rest(self) -> None:
        """Ask no more: what has the name now may be another card."""
        self._learning.cancel()

    async def _learn(self, note: Callable[[Any], Deferred[None]]) -> None:
        while self.identity is None:
            self.identity = await self._place.devices.identify(self.name)
            if self.identity is not None:
                note(DeviceKnown(self.identity.as_dict())).addErrback(self._broke)
            elif parse_reference(self.name) is None:
                return
            else:
                await deferLater(self._place.clock, ASK_SECONDS)

    def _broke(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("nobody knows which card {name} is", failure, name=self.name)
