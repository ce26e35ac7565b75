"""What a job works with: everything that reaches outside comes in here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from rakkr.audio.recap import Cut, Recap
from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.router import FindRoute
from rakkr.capture.trace import Trace
from rakkr.clock import WallTime
from rakkr.controller.interface import IController
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.disk.need import CaptureLoad, Short
from rakkr.disk.notices import Concerned
from rakkr.health.edge import Emitter
from rakkr.health.event import Severity
from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.timeline import Stamp
from rakkr.jobs.uploads import Uploads
from rakkr.live import LiveSettings
from rakkr.threads import InThread


class Shelf(Protocol):
    """Where files go that the controller acknowledged; ``rakkr.cache`` is the real one."""

    def release(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """Give up files whose audio is covered by a receipt, as far as the policy says so."""

    def settled(self) -> None:
        """Take notice that a job is over, and that its journal says which files it left."""


class StartCapture(Protocol):
    """Opens a device."""

    def __call__(
        self,
        request: CaptureRequest,
        limits: CaptureLimits,
        announce: Callable[[Trace], Deferred[None]],
    ) -> Capture:
        """Start; ``announce`` is told of the files before the program runs."""


class AdoptCapture(Protocol):
    """Takes a capture over that an earlier agent started."""

    def __call__(self, request: CaptureRequest, trace: Trace, limits: CaptureLimits) -> Capture:
        """Go on with it, or find out what it left."""


class Devices(Protocol):
    """Knows which device is really meant."""

    async def identify(self, device: str) -> DeviceIdentity | None:
        """Say what is behind a name now; None for a name that stands for no certain card."""

    async def find(self, identity: DeviceIdentity, device: str) -> Found:
        """Say under which name the very same card is to be opened now."""

    async def refreshed(self, device: str, interface_id: str) -> str | None:
        """Say which name a job's interface has now, if it is another one; does not take long."""

    def is_device(self, id_: str, interface_id: str | None, device: str) -> bool:
        """
        Whether an id of an interface, the controller's or ours, is of what a job records.

        :param interface_id: the job's own id of its interface, if it has one.
        """


class Disk(Protocol):
    """Watches the disk that captures go to; ``rakkr.disk`` is the real one."""

    async def preflight(self, wanted: CaptureLoad, *concerned: Concerned) -> Short | None:
        """Say what is missing for one more capture, after making room if need be."""

    def may_render(self) -> bool:
        """Whether a render that nobody waits for may take space now."""

    def is_short(self) -> bool:
        """Whether what is being recorded does not fit."""

    async def give_way(self) -> int:
        """Free the reserve, because the disk is full; the bytes that are free then."""


class Measured(Protocol):
    """Knows what was measured of captured files; ``rakkr.meters`` is the real one."""

    def __call__(self, cuts: Sequence[Cut]) -> Awaitable[Recap]:
        """Sum up ranges of files, as far as they were measured; soon, and without failing."""


@attrs.frozen(kw_only=True)
class Workplace:
    """
    The collaborators of the jobs room.

    :ivar boot_id: which boot of the machine this is.
    :ivar render: turns a strip into a file; see :func:`rakkr.render.runner.render`.
    :ivar renders: how many renders may run side by side, so that captures keep the machine.
    :ivar punch: gives the space of a range of a file back; see :func:`rakkr.holes.punch`.
    :ivar random: returns 0..1, for jitter.
    :ivar measured: None where nobody measures what is captured: then nothing is reported of it.
    :ivar mark_patience_seconds: how long a terminal mark is tried in this run; None: for ever.
    """

    clock: IReactorTime
    wall: WallTime
    boot_id: str
    controller: IController
    node_id: str
    evidence: Emitter
    shelf: Shelf
    live: LiveSettings
    ledger: Ledger
    uploads: Uploads
    devices: Devices
    disk: Disk
    find_route: FindRoute
    start_capture: StartCapture
    adopt_capture: AdoptCapture
    render: Callable[..., Any]
    renders: DeferredSemaphore
    punch: Callable[[Path, int, int], bool]
    in_thread: InThread
    random: Callable[[], float]
    measured: Measured | None = None
    mark_patience_seconds: float | None = None

    def stamp(self, mono: float | None = None) -> Stamp:
        """A moment of the monotonic clock, now by default, so that another agent can place it."""
        now = self.clock.seconds()
        mono = now if mono is None else mono
        return Stamp(mono, self.wall.now() - (now - mono), self.boot_id)


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
