"""What a take tells of the device it records from: the edges, not every try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime

from rakkr.capture.capture import Capture
from rakkr.capture.outcome import Stalled
from rakkr.health.event import Severity

if TYPE_CHECKING:
    from rakkr.jobs.take import Take

_PATIENCE_SECONDS = 30.0
_EACH_ONE = 16


class TakeEvents:
    """
    Reports losses and recoveries to every job that is being recorded.

    A loss is one event when it begins, one more (critical) when it lasts, and one when it ends.
    """

    def __init__(self, take: Take, clock: IReactorTime) -> None:
        self._take = take
        self._clock = clock
        self._since: float | None = None
        self._tries = 0
        self._losses = 0
        self._cried = False
        self._known_device = take.plan.device

    def lost(self, error: str) -> None:
        """The device gives nothing any more, or still nothing."""
        self._tries += 1
        if self._since is None:
            self._since = self._clock.seconds()
            self._losses += 1
            if self._worth_telling():
                self._first(error)
        elif not self._cried and self._clock.seconds() - self._since >= _PATIENCE_SECONDS:
            self._cried = True
            waited = round(self._clock.seconds() - self._since, 1)
            more = {"error": error, "willRetry": True, "secondsWithout": waited}
            self._emit(self._loss_type, "critical", {**self._facts(), **more})

    def _worth_telling(self) -> bool:
        """A device that comes and goes all day is told of less and less often."""
        return self._losses <= _EACH_ONE or self._losses & (self._losses - 1) == 0

    def back(self, capture: Capture) -> None:
        """The device gives samples."""
        self._report_other_name()
        if self._since is None:
            return
        without = self._clock.seconds() - self._since
        facts = {
            "attempt": self._tries + 1,
            "device": self._take.device.name,
            "outputPath": str(capture.path),
            "secondsWithout": round(without, 3),
        }
        had_sound = self._loss_type == "capture_device_lost"
        name = "capture_runtime_restarted" if had_sound else "capture_device_recovered"
        if self._worth_telling():
            self._emit(name, "info", {**facts, "lossCount": self._losses})
        self._since, self._tries, self._cried = None, 0, False

    def disk_full(self, error: str, free_bytes: int) -> None:
        """The recording is over, because there is no room for more of it."""
        capture, plan = self._take.reel.capture, self._take.plan
        began = None if capture is None else capture.started_at
        facts = {
            "error": error,
            "estimatedCaptureBytes": plan.seconds * plan.rate * plan.frame_bytes,
            "freeBytes": free_bytes,
            "growthAgeSeconds": 0 if began is None else int(self._clock.seconds() - began),
            "outputPath": None if capture is None else str(capture.path),
            "remainingBytes": int(self._take.seconds_left * plan.rate) * plan.frame_bytes,
            "systemHealthDiskPath": str(self._take.directory),
            "writtenBytes": 0 if capture is None else capture.bytes,
        }
        self._emit("disk_space_exhausted", "critical", facts)

    @property
    def _loss_type(self) -> str:
        placed = self._take.reel.timeline.placed
        return "capture_device_lost" if placed else "capture_device_unavailable"

    def _first(self, error: str) -> None:
        outcome = self._take.outcome
        facts: dict[str, Any] = {**self._facts(), "error": error, "willRetry": True}
        if isinstance(outcome, Stalled):
            seen = outcome.evidence
            stall = {
                **facts,
                "growthAgeSeconds": seen.age_seconds,
                "growthGraceSeconds": seen.grace_seconds,
                "lastGrowthSecondsAgo": seen.unchanged_seconds,
                "sizeBytes": seen.size,
                "stalledSeconds": seen.stalled_seconds,
            }
            for reader in self._take.readers:
                own = {"channelMap": reader.channel_map}
                reader.emit("capture_output_stalled", "critical", {**stall, **own})
        self._emit(self._loss_type, "warning", facts)

    def _facts(self) -> dict[str, Any]:
        capture = self._take.reel.capture
        placed = self._take.reel.timeline.placed
        return {
            "attempt": self._tries,
            "backend": self._take.plan.backend,
            "device": self._take.device.name,
            "nextAttempt": self._tries + 1,
            "outputBytes": None if capture is None else capture.bytes,
            "outputPath": None if capture is None else str(capture.path),
            "retryAttempts": None,  # for as long as the window lasts
            "segmentPath": str(placed[-1].audio.path) if placed else None,
        }

    def _report_other_name(self) -> None:
        name = self._take.device.name
        if name == self._known_device:
            return
        facts = {
            "captureInterfaceId": self._take.plan.interface_id,
            "previousDevice": self._known_device,
            "refreshedDevice": name,
        }
        self._known_device = name
        self._emit("capture_device_refreshed", "info", facts)

    def _emit(self, name: str, severity: Severity, details: Mapping[str, Any]) -> None:
        for reader in self._take.readers:
            reader.emit(name, severity, details)
