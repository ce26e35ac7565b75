"""What a job works with: everything that reaches outside comes in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.defer import DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.clock import WallTime
from rakkr.controller.interface import IController
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.health.edge import Emitter
from rakkr.health.event import Severity
from rakkr.live import LiveSettings


class Shelf(Protocol):
    """Where files go that the controller acknowledged; ``rakkr.cache`` is the real one."""

    def release(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """Give up files whose audio is covered by a receipt, as far as the policy says so."""


StartCapture = Callable[[CaptureRequest, CaptureLimits], Capture]


@attrs.frozen(kw_only=True)
class Workplace:
    """
    The collaborators of the jobs room.

    :ivar start_capture: opens a device.
    :ivar render: turns a frame range into a file; see :func:`rakkr.render.runner.render`.
    :ivar renders: how many renders may run side by side, so that captures keep the machine.
    :ivar random: returns 0..1, for jitter.
    """

    clock: IReactorTime
    wall: WallTime
    controller: IController
    node_id: str
    evidence: Emitter
    shelf: Shelf
    live: LiveSettings
    start_capture: StartCapture
    render: Callable[..., Any]
    renders: DeferredSemaphore
    random: Callable[[], float]


@attrs.frozen
class JobEvidence:
    """The events of one job: each carries its ids, and is tied to its recording."""

    evidence: Emitter
    job: Job

    def emit(self, name: str, severity: Severity, details: Mapping[str, Any]) -> None:
        """:param name: the type without its ``agent.recording_job.`` prefix."""
        self.evidence.emit(
            f"agent.recording_job.{name.removeprefix('agent.recording_job.')}",
            severity,
            {"jobId": self.job.id, "recordingId": self.job.recording_id, **details},
            self.job.recording_id,
        )
