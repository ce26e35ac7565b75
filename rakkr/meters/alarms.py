"""The alarms of every interface: frames go in, events come out."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from rakkr.meters.alarm import Alarm, Change
from rakkr.meters.channel_alarms import ChannelSilentAlarm, DcOffsetAlarm, StuckValueAlarm
from rakkr.meters.event import MeterEvent
from rakkr.meters.frame import MeterFrame
from rakkr.meters.interface_alarms import (
    ClippingAlarm,
    CorrelationAlarm,
    DropoutAlarm,
    FlatlineAlarm,
    LowSignalAlarm,
)
from rakkr.meters.limits import Limits


@attrs.define
class _InterfaceAlarms:
    """
    Those of one interface.

    :ivar of_levels: in the order in which the contract reports them, and then our own.
    """

    of_levels: tuple[Alarm, ...]
    dropouts: Alarm

    @classmethod
    def make(cls, limits: Limits) -> _InterfaceAlarms:
        """All of them off."""
        levels = (
            CorrelationAlarm(limits),
            ClippingAlarm(limits),
            FlatlineAlarm(limits),
            LowSignalAlarm(limits),
            ChannelSilentAlarm(limits),
            StuckValueAlarm(limits),
            DcOffsetAlarm(limits),
        )
        return cls(levels, DropoutAlarm(attrs.evolve(limits, set_seconds=0.0)))

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """Take a frame into account; one without levels says something of dropouts at most."""
        has_data = frame.frames > 0 and len(frame.levels) > 0
        for alarm in self.of_levels if has_data else ():
            yield from alarm.see(frame)
        if has_data or frame.dropouts.count:
            yield from self.dropouts.see(frame)


class Alarms:
    """
    Watches the levels of every interface that is metered.

    Each interface has its own alarms, which stay as they are while another one is metered, while
    sampling fails, and while levels are invented.  There is no clock in here: what lasts is
    measured in audio.
    """

    def __init__(self, node_id: str, limits: Limits) -> None:
        self._node_id = node_id
        self._limits = limits
        self._interfaces: dict[str, _InterfaceAlarms] = {}

    def see(self, frame: MeterFrame) -> list[MeterEvent]:
        """
        Take a frame into account.

        :returns: what is to be reported, in this order.
        """
        if frame.synthetic:
            return []
        alarms = self._interfaces.get(frame.interface_id)
        if alarms is None:
            alarms = self._interfaces[frame.interface_id] = _InterfaceAlarms.make(self._limits)
        return [self._event(frame, change) for change in alarms.see(frame.rounded())]

    def rename(self, before: str, after: str) -> None:
        """
        Keep the alarms of an interface whose id the controller has told us only now.

        Where the new id has alarms of its own already, those stay.
        """
        alarms = self._interfaces.pop(before, None)
        if alarms is not None:
            self._interfaces.setdefault(after, alarms)

    def _event(self, frame: MeterFrame, change: Change) -> MeterEvent:
        details = {
            **change.details,
            "capturedAt": frame.stamp,
            "interfaceId": frame.interface_id,
            "nodeId": self._node_id,
        }
        if change.on:
            return MeterEvent(f"agent.meter.{change.name}", "warning", details)
        return MeterEvent(f"agent.meter.{change.name}_recovered", "info", details)
