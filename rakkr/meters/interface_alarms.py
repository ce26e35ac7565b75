"""
The alarms of an interface as a whole: those of the contract (metering.md section 9) and dropouts.

Each takes the frames of one interface, rounded and with levels in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from rakkr.capture.dropouts import Dropouts
from rakkr.meters import evidence
from rakkr.meters.alarm import Change, WholeAlarm
from rakkr.meters.frame import ChannelLevels, MeterFrame
from rakkr.meters.latch import Latch


@attrs.define
class CorrelationAlarm(WholeAlarm):
    """Two channels carry the same signal, one of them perhaps turned over."""

    channels: list[int] = attrs.Factory(list)
    name = "channel_correlation"

    def present(self, frame: MeterFrame) -> bool:
        """Whether any two do."""
        return bool(evidence.correlated(frame, self.limits))

    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """Which two, and how much."""
        levels = evidence.correlated(frame, self.limits)
        pairs = evidence.pairs(levels)
        sides = ("leftChannelIndex", "rightChannelIndex")
        self.channels = sorted({pair[side] for pair in pairs for side in sides})
        return {
            "channels": self.channels,
            "correlationAbsScore": self.limits.correlation,
            "faultScore": evidence.correlation_fault(levels, self.limits.correlation),
            "pairs": pairs,
            "quality": evidence.quality_of(frame),
        }

    def end(self, frame: MeterFrame) -> dict[str, Any]:  # noqa: ARG002 - the shape of an alarm
        """Which channels were the same."""
        return {"channels": self.channels}


@attrs.define
class FlatlineAlarm(WholeAlarm):
    """No channel carries anything: the device is dead, or nothing is plugged in."""

    name = "flatline"

    def present(self, frame: MeterFrame) -> bool:
        """Whether even the loudest channel is at the threshold."""
        return evidence.highest_rms(frame) <= self.limits.flatline_dbfs

    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """How dead."""
        highest, threshold = evidence.highest_rms(frame), self.limits.flatline_dbfs
        return {
            "channels": evidence.indices(frame.levels),
            "faultScore": evidence.flatline_fault(highest, threshold),
            "flatlineDbfs": threshold,
            "maxRmsDbfs": highest,
        }

    def end(self, frame: MeterFrame) -> dict[str, Any]:
        """Which channels are alive."""
        return {
            "channels": _above(frame, self.limits.flatline_dbfs),
            "maxRmsDbfs": evidence.highest_rms(frame),
            "quality": evidence.quality_of(frame),
        }


@attrs.define
class LowSignalAlarm(WholeAlarm):
    """
    No channel carries enough.

    Silence altogether is no low signal, as the contract has it; but it is no recovery of one
    either.
    """

    name = "low_signal"

    def present(self, frame: MeterFrame) -> bool:
        """Whether even the loudest channel is at the threshold, and alive."""
        highest = evidence.highest_rms(frame)
        alive = highest > self.limits.flatline_dbfs
        return highest <= self.limits.low_signal_dbfs and (alive or self.latch.on)

    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """How low."""
        threshold = self.limits.low_signal_dbfs
        fault = evidence.low_signal_fault(evidence.highest_rms(frame), threshold)
        return {
            "channels": evidence.indices(frame.levels),
            "faultScore": fault,
            "lowSignalDbfs": threshold,
            **self._levels(frame),
        }

    def end(self, frame: MeterFrame) -> dict[str, Any]:
        """Which channels carry enough."""
        return {"channels": _above(frame, self.limits.low_signal_dbfs), **self._levels(frame)}

    def _levels(self, frame: MeterFrame) -> dict[str, Any]:
        quality = evidence.quality_of(frame)
        return {
            "maxRmsDbfs": evidence.highest_rms(frame),
            "maxSpeechScore": quality["maxSpeechScore"],
            "quality": quality,
        }


@attrs.define
class ClippingAlarm(WholeAlarm):
    """
    Some channel is too loud.

    It goes on and off for the interface, as the contract has it, so that channels that clip by
    turns do not make an event each time.  But a channel that goes on clipping for as long as the
    alarm needed is named in an event of its own where none has named it yet, so that the first one
    hides no other.
    """

    named: frozenset[int] = frozenset()
    latches: dict[int, Latch] = attrs.Factory(dict)
    name = "clipping"

    def present(self, frame: MeterFrame) -> bool:
        """Whether any channel clips."""
        return any(each.clipping for each in frame.levels)

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """Take a frame into account."""
        for each in frame.levels:
            latch = self.latches.get(each.index, Latch())
            self.latches[each.index] = latch.see(each.clipping, frame.seconds, self.limits)
        yield from super().see(frame)
        if self.latch.on:
            later = [
                each
                for each in frame.levels
                if self.latches[each.index].on and each.index not in self.named
            ]
            if later:
                yield Change(self.name, on=True, details=self._fault(frame, later))

    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """Which channels clip."""
        return self._fault(frame, [each for each in frame.levels if each.clipping])

    def _fault(self, frame: MeterFrame, levels: list[ChannelLevels]) -> dict[str, Any]:
        self.named |= set(evidence.indices(levels))
        threshold = self.limits.clip_dbfs
        highest = max(each.peak_dbfs for each in levels)
        return {
            "channels": _peaks(levels),
            "clipDbfs": threshold,
            "faultScore": evidence.clipping_fault(highest, threshold),
            "quality": evidence.quality_of(frame),
        }

    def end(self, frame: MeterFrame) -> dict[str, Any]:
        """Where the channels that clipped are now."""
        named, self.named = self.named, frozenset()
        return {"channels": _peaks(each for each in frame.levels if each.index in named)}


@attrs.define
class DropoutAlarm(WholeAlarm):
    """Samples were lost; its limits let it go on at once."""

    lost: Dropouts = attrs.Factory(Dropouts)
    name = "dropout"

    def see(self, frame: MeterFrame) -> Iterator[Change]:
        """Take a frame into account."""
        self.lost += frame.dropouts
        yield from super().see(frame)

    def present(self, frame: MeterFrame) -> bool:
        """Whether the capture program reported any."""
        return frame.dropouts.count > 0

    def fault(self, frame: MeterFrame) -> dict[str, Any]:
        """How much was lost so far."""
        return {"channels": evidence.indices(frame.levels), **_lost(self.lost)}

    def end(self, frame: MeterFrame) -> dict[str, Any]:
        """How much was lost altogether."""
        lost, self.lost = self.lost, Dropouts()
        return {"channels": evidence.indices(frame.levels), **_lost(lost)}


def _above(frame: MeterFrame, threshold: float) -> list[int]:
    return evidence.indices(each for each in frame.levels if each.rms_dbfs > threshold)


def _lost(lost: Dropouts) -> dict[str, Any]:
    return {"dropoutCount": lost.count, "dropoutMilliseconds": round(lost.milliseconds, 3)}


def _peaks(levels: Iterable[ChannelLevels]) -> list[dict[str, Any]]:
    return [
        {"channelIndex": each.index, "label": each.label, "peakDbfs": each.peak_dbfs}
        for each in levels
    ]
