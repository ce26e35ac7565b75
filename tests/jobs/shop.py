"""A workplace on a fake clock: real captures into real files, by children that a test leads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore, fail, maybeDeferred, succeed
from twisted.internet.task import deferLater

from rakkr.audio.strip import Strip
from rakkr.capture.capture import Capture, adopt_capture, start_capture
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.route import CannotLaunch, NotThere
from rakkr.capture.surroundings import Surroundings
from rakkr.capture.trace import Trace
from rakkr.clock import WallTime
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.disk.need import CaptureLoad, Short
from rakkr.disk.notices import Concerned
from rakkr.inventory.stable import DeviceIdentity, Found
from rakkr.jobs.archive import Archive
from rakkr.jobs.journal import Journal
from rakkr.jobs.ledger import Ledger
from rakkr.jobs.trouble import Trouble
from rakkr.jobs.uploads import Uploads
from rakkr.jobs.workplace import Devices, Disk, Shelf, Workplace
from rakkr.live import LiveSettings
from rakkr.render.errors import RenderFailed
from rakkr.render.plan import RenderPlan
from rakkr.render.runner import Rendered
from rakkr.settings import Settings
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeReactor

FRAME = b"\x01\x02\x03\x04"  # one frame of stereo S16
NOON = 1_000_000.0
"""The wall time at which a shop opens."""


@attrs.define
class NotedShelf:
    """Notes what was released."""

    released: list[tuple[str, bool, list[Path]]] = attrs.field(factory=list)

    def release(
        self, job: Job, policy: CacheRetention | None, receipt: Receipt, paths: list[Path]
    ) -> None:
        """Keep (job id, whether the policy deletes, paths)."""
        deletes = policy is not None and policy.delete_after_upload
        assert receipt.size > 0
        self.released.append((job.id, deletes, paths))

    def settled(self) -> None:
        """Nothing is put on a list."""


_check: type[Shelf] = NotedShelf


@attrs.define(slots=False)
class NotedDevices:
    """
    Cards as a test wishes them.

    :ivar identity: what every name stands for; None for a name that stands for no certain card.
    :ivar found: where that card is now.
    :ivar names: what interfaces are called now, by their ids.
    :ivar ids: what ids of interfaces stand for which device.
    """

    identity: DeviceIdentity | None = None
    found: Found | None = None
    names: dict[str, str] = attrs.field(factory=dict)
    ids: dict[str, str] = attrs.field(factory=dict)

    async def identify(self, device: str) -> DeviceIdentity | None:
        """Say what was laid out."""
        return self.identity

    async def find(self, identity: DeviceIdentity, device: str) -> Found:
        """Say what was laid out, or that nothing has changed."""
        return self.found or Found(device)

    async def refreshed(self, device: str, interface_id: str) -> str | None:
        """Say what was laid out; nothing else has another name."""
        return self.names.get(interface_id)

    def is_device(self, id_: str, interface_id: str | None, device: str) -> bool:
        """Nothing has two names but what was laid out."""
        return id_ in {interface_id, device} or self.ids.get(id_) == device


@attrs.define
class RoomyDisk:
    """
    A disk as a test wishes it.

    :ivar wanted: what the last recording said that it will write.
    :ivar short: what is missing for the next recording.
    :ivar rendering: whether files may be rendered.
    :ivar tight: whether what is recorded does not fit.
    :ivar free: what is free when the reserve was given back.
    :ivar concerned: whom it was asked for last.
    """

    short: Short | None = None
    rendering: bool = True
    tight: bool = False
    free: int = 1 << 40
    gave_way: int = 0
    wanted: CaptureLoad | None = None
    concerned: tuple[Concerned, ...] = ()

    async def preflight(self, wanted: CaptureLoad, *concerned: Concerned) -> Short | None:
        """Say what was laid out."""
        self.wanted, self.concerned = wanted, concerned
        return self.short

    def may_render(self) -> bool:
        """Say what was laid out."""
        return self.rendering

    def is_short(self) -> bool:
        """Say what was laid out."""
        return self.tight

    async def give_way(self) -> int:
        """Count that it was asked."""
        self.gave_way += 1
        return self.free


_devices: type[Devices] = NotedDevices
_disk: type[Disk] = RoomyDisk


def receipt(*_: object) -> Receipt:
    """What a controller answers to an upload."""
    return Receipt(checksum="sha256:00", size=1)


class Shop:
    """
    Everything that a session works with.

    :ivar rendering: gives the answer of each render: None makes the file, an exception is raised,
        a Deferred is waited for first.
    :ivar rendered: (captured file, start frame, end frame, target) of each render; the frames are
        those of its first file.
    :ivar strips: what each render was made of.
    :ivar absent: why nothing can be captured at the moment.
    :ivar find_route: how a request is captured; None leaves every request as it is.
    :ivar before_disk: called with each piece of work before it is done in a thread.
    :ivar after_disk: called with it afterwards.
    :ivar reading: seconds that a look at a captured file takes.
    :ivar noon: the wall time at the reactor's second 0.
    """

    def __init__(self, **settings: Any) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.reactor = FakeReactor()
        self.noon = NOON
        self.boot("boot")
        self.controller = FakeController(
            channel_map_assignments=[[]],
            heartbeat_job=[None],
            get_job=[None],
            peek_next=[None],
            mark_failed=[None],
            mark_cancelled=[None],
            upload_cache_file=[receipt],
        )
        self.evidence = Noted()
        self.shelf = NotedShelf()
        self.rendering: Callable[[], Any] = lambda: None
        self.rendered: list[tuple[Path, int, int, Path]] = []
        self.strips: list[Strip] = []
        self.devices = NotedDevices()
        self.disk = RoomyDisk()
        self.punched: list[tuple[Path, int, int]] = []
        self.troubles: list[Trouble] = []
        self.absent: CannotLaunch | NotThere | None = None
        self.find_route: Callable[[CaptureRequest], Deferred[CaptureRequest]] | None = None
        self.reading = 0.0
        self.before_disk: Callable[[Any], None] = lambda _: None
        self.after_disk: Callable[[Any], None] = lambda _: None
        program = self.directory / "bin" / "arecord"
        program.parent.mkdir()
        program.write_text("#!/bin/false\n")
        program.chmod(0o755)
        wished = attrs.evolve(Settings(), capture_dir=self.directory / "captures", **settings)
        self.place = Workplace(
            clock=self.reactor,
            wall=WallTime(lambda: self.noon + self.reactor.seconds()),
            controller=self.controller,
            node_id="node_1",
            evidence=self.evidence,
            shelf=self.shelf,
            live=LiveSettings(wished),
            boot_id="boot",
            ledger=self.make_ledger(),
            uploads=Uploads(self.reactor),
            devices=self.devices,
            disk=self.disk,
            find_route=self._find_route,
            start_capture=self._start_capture,
            adopt_capture=self._adopt_capture,
            punch=self._punch,
            in_thread=self._in_thread,
            render=self._render,
            renders=DeferredSemaphore(2),
            random=lambda: 0.0,
        )

    def make_ledger(self) -> Ledger:
        """The journals, as an agent that is started now reads them."""
        directories = (self.directory / "state" / "jobs", self.directory / "captures" / ".journal")
        return Ledger(Archive(directories), self._in_thread, report=self.troubles.append)

    def boot(self, boot_id: str) -> None:
        """Let the machine's boot have this name, with no process that is not ours."""
        name = self.directory / "proc" / "sys" / "kernel" / "random" / "boot_id"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(boot_id)

    def crash(self) -> None:
        """Let every program die, as in a power cut; nobody watches them any more."""
        for process in self.reactor.spawned:
            if process.pid is not None:
                process.exits(None, 9)

    def restart(self, down: float = 0.0, *, boot_id: str | None = None) -> None:
        """
        Let another agent have the same directories.

        :param down: seconds during which no agent ran.
        :param boot_id: of the boot in which it runs, if that is another one; its clock begins anew.
        """
        self.reactor.advance(down)
        if boot_id is not None:
            self.boot(boot_id)
            self.noon += self.reactor.seconds()
            self.reactor = FakeReactor()
        self.place = attrs.evolve(
            self.place,
            clock=self.reactor,
            boot_id=boot_id or self.place.boot_id,
            ledger=self.make_ledger(),
            uploads=Uploads(self.reactor),
            renders=DeferredSemaphore(2),
        )

    def _read(self, work: Callable[..., Any], /, *arguments: Any) -> Deferred[Any]:
        if not self.reading:
            return maybeDeferred(work, *arguments)
        return deferLater(self.reactor, self.reading, work, *arguments)

    def _in_thread(self, work: Callable[..., Any], /, *arguments: Any) -> Deferred[Any]:
        self.before_disk(work)
        done = maybeDeferred(work, *arguments)
        self.after_disk(work)
        return done

    def claim(self, *jobs: Job) -> list[Journal]:
        """The journals of jobs that were claimed just now."""
        stamp = self.place.stamp()
        journals: list[Journal] = []
        for job in jobs:
            beginning = self.place.ledger.begin(
                job, wall=stamp.wall, mono=stamp.mono, boot_id=stamp.boot_id
            )
            Deferred.fromCoroutine(beginning).addCallback(journals.append)
        assert len(journals) == len(jobs)
        return journals

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=self._read,
            env={"PATH": str(self.directory / "bin")},
            proc=self.directory / "proc",
        )

    def _find_route(self, request: CaptureRequest) -> Deferred[CaptureRequest]:
        if self.find_route is not None:
            return self.find_route(request)
        return succeed(request) if self.absent is None else fail(self.absent)

    def _start_capture(
        self,
        request: CaptureRequest,
        limits: CaptureLimits,
        announce: Callable[[Trace], Deferred[None]],
    ) -> Capture:
        return start_capture(request, limits, self._surroundings(), announce)

    def _adopt_capture(
        self, request: CaptureRequest, trace: Trace, limits: CaptureLimits
    ) -> Capture:
        return adopt_capture(request, trace, limits, self._surroundings())

    def _punch(self, path: Path, start: int, length: int) -> bool:
        self.punched.append((path, start, length))
        return True

    async def _render(self, *, plan: RenderPlan, strip: Strip, target: Path) -> Rendered:
        self.strips.append(strip)
        first = next((each for each in strip.pieces if each.audio is not None), None)
        start, path = (0, Path()) if first is None else (first.start, first.audio.path)  # type: ignore[union-attr]
        self.rendered.append((path, start, start + strip.frames, target))
        answer = self.rendering()
        if isinstance(answer, Deferred):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        if not strip.frames:
            raise RenderFailed("nothing was to be rendered")
        target.write_bytes(b"rendered")
        return Rendered(target, 8, plan.content_type, strip.frames, strip.seconds)

    def record(self, seconds: float) -> None:
        """Let the capture program write so many seconds of stereo S16 at 48 kHz, in real time."""
        for _ in range(int(seconds * 4)):
            self.reactor.advance(0.22)
            self.reactor.last.writes(FRAME * 12_000)
            self.reactor.advance(0.03)  # within which the samples are seen

    def play(self, seconds: float) -> None:
        """The same for every program that runs; one that is asked to end does so."""
        for _ in range(int(seconds * 4)):
            self.reactor.advance(0.22)
            for process in list(self.reactor.spawned):
                if process.pid is not None and process.signals:
                    process.exits(1)
                elif process.pid is not None:
                    process.writes(FRAME * 12_000)
            self.reactor.advance(0.03)

    def uploads(self) -> list[tuple[str, str, float | None, str | None]]:
        """(recording, file name, seconds, job) of each upload."""
        return [
            (recording, upload.file_name, upload.duration_seconds, upload.job_id)
            for _, recording, upload in self.controller.named("upload_cache_file")
        ]

    def captures(self) -> list[str]:
        """The names of the files in the capture directory."""
        found = (self.directory / "captures").iterdir()
        return sorted(path.name for path in found if not path.name.startswith("."))
