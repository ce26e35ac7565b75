"""
The alarms of single channels, which no fault of another channel hides.

Channels that go on, or off, with the same frame share an event.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import attrs

from rakkr.meters import evidence
from rakkr.meters.alarm import Change
from rakkr.meters.frame import ChannelLevels, MeterFrame
from rakkr.meters.latch import Latch
from rakkr.meters.limits import Limits
from rakkr.meters.rounding import LOWEST_DBFS, dbfs


@attrs.define
class ChannelAlarm(ABC):
    """An alarm that each channel has for itself."""

    limits: Limits
    latches: dict[int, Latch] = attrs.Factory(dict)
    name: ClassVar[str]

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """Take a frame into account."""
        flipped: dict[bool, list[ChannelLevels]] = {False: [], True: []}
        for each in frame.levels:
            before = self.latches.get(each.index, Latch())
            after = before.see(self.present(each, frame), frame.seconds, self.limits)
            self.latches[each.index] = after
            if after.on != before.on:
                flipped[after.on].append(each)
        for on, levels in flipped.items():
            if levels:
                details = {"channels": evidence.indices(levels), **self.details(levels, frame)}
                yield Change(self.name, on, details)

    @abstractmethod
    def present(self, level: ChannelLevels, frame: MeterFrame) -> bool | None:
        """Whether a channel of a frame shows it; None when that cannot be told."""

    @abstractmethod
    def details(self, levels: list[ChannelLevels], frame: MeterFrame) -> dict[str, Any]:
        """What there is to say of the channels that flipped, both when they go on and off."""


@attrs.define
class ChannelSilentAlarm(ChannelAlarm):
    """
    A channel carries nothing while another one carries a signal.

    While no other does, nobody can tell a dead microphone from a pause.
    """

    name = "channel_silent"

    def present(self, level: ChannelLevels, frame: MeterFrame) -> bool | None:
        """Whether it is as silent as a flat line."""
        if level.rms_dbfs > self.limits.flatline_dbfs:
            return False
        threshold = max(self.limits.low_signal_dbfs, self.limits.flatline_dbfs)
        return True if evidence.highest_rms(frame) > threshold else None

    def details(self, levels: list[ChannelLevels], frame: MeterFrame) -> dict[str, Any]:
        """How silent, and how loud the others are."""
        return {
            "flatlineDbfs": self.limits.flatline_dbfs,
            "maxRmsDbfs": evidence.highest_rms(frame),
            "zeroRunSeconds": _seconds(max(each.zero_run_seconds for each in levels)),
        }


@attrs.define
class StuckValueAlarm(ChannelAlarm):
    """A channel repeats one same sample that is not zero: a converter or its clock has stopped."""

    name = "stuck_value"

    def present(self, level: ChannelLevels, frame: MeterFrame) -> bool | None:
        """Whether it did so for long enough, or for all of a frame that is shorter than that."""
        return is_stuck(level, frame, self.limits)

    def details(
        self,
        levels: list[ChannelLevels],
        frame: MeterFrame,  # noqa: ARG002 - the shape of an alarm
    ) -> dict[str, Any]:
        """For how long."""
        return {
            "stuckRunSeconds": _seconds(max(each.stuck_run_seconds for each in levels)),
            "stuckSeconds": self.limits.stuck_seconds,
        }


@attrs.define
class DcOffsetAlarm(ChannelAlarm):
    """
    A channel is not centred on zero, which takes headroom and clicks at every cut.

    A stuck channel is off centre too, but that has its own alarm and tells nothing here.
    """

    name = "dc_offset"

    def present(self, level: ChannelLevels, frame: MeterFrame) -> bool | None:
        """Whether its mean is at the threshold."""
        if math.isnan(level.dc) or is_stuck(level, frame, self.limits):
            return None
        return _dc_dbfs(level) >= self.limits.dc_dbfs

    def details(
        self,
        levels: list[ChannelLevels],
        frame: MeterFrame,  # noqa: ARG002 - the shape of an alarm
    ) -> dict[str, Any]:
        """How far off."""
        return {"dcDbfs": self.limits.dc_dbfs, "maxDcDbfs": max(map(_dc_dbfs, levels))}


def is_stuck(level: ChannelLevels, frame: MeterFrame, limits: Limits) -> bool:
    """Whether a channel is stuck."""
    # Half a frame of samples is allowed for seconds that are not a whole number of them.
    needed = min(limits.stuck_seconds, (frame.frames - 0.5) / frame.rate)
    return level.stuck_run_seconds >= needed


def _dc_dbfs(level: ChannelLevels) -> float:
    size = abs(level.dc)
    return dbfs(20 * math.log10(size)) if size else LOWEST_DBFS


def _seconds(value: float) -> float:
    return round(value, 3)
