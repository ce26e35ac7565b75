"""The device of a take: found again when it comes back under another number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.plan import SessionPlan
from rakkr.jobs.records import DeviceKnown
from rakkr.jobs.workplace import Devices


class KnownDevice:
    """
    What is to be opened, now and after a loss.

    :ivar name: what was opened last.
    :ivar identity: which card it is, once that is known; another card is never opened for it.
    """

    def __init__(self, devices: Devices, plan: SessionPlan) -> None:
        self.name = plan.device
        self.identity: DeviceIdentity | None = None
        self._devices = devices
        self._plan = plan

    async def now(self) -> Found:
        """Say what is to be opened at this moment, or why there is nothing."""
        if self.identity is None:
            self.name = (
                self._devices.refreshed(self._plan.device, self._plan.interface_id)
                or self._plan.device
            )
            return Found(device=self.name)
        found = await self._devices.find(self.identity, self._plan.device)
        self.name = found.device or self.name
        return found

    async def learn(self, note: Callable[[Any], Deferred[None]]) -> None:
        """Find out which card was opened: it gives samples, so it is there."""
        if self.identity is not None:
            return
        self.identity = await self._devices.identify(self.name)
        if self.identity is not None:
            await note(DeviceKnown(self.identity.as_dict()))
