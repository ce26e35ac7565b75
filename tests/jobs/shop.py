"""A workplace on a fake clock: real captures into real files, by children that a test leads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore, maybeDeferred

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture, start_capture
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.surroundings import Surroundings
from rakkr.clock import WallTime
from rakkr.controller.messages import CacheRetention, Job, Receipt
from rakkr.jobs.workplace import Shelf, Workplace
from rakkr.live import LiveSettings
from rakkr.render.plan import FrameRange, RenderPlan
from rakkr.render.runner import Rendered
from rakkr.settings import Settings
from tests.fakes.controller import FakeController
from tests.fakes.evidence import Noted
from tests.fakes.processes import FakeReactor

FRAME = b"\x01\x02\x03\x04"  # one frame of stereo S16


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


_check: type[Shelf] = NotedShelf


def receipt(*_: object) -> Receipt:
    """What a controller answers to an upload."""
    return Receipt(checksum="sha256:00", size=1)


class Shop:
    """
    Everything that a session works with.

    :ivar rendering: gives the answer of each render: None makes the file, an exception is raised,
        a Deferred is waited for first.
    :ivar rendered: (captured file, start frame, end frame, target) of each render.
    """

    def __init__(self, **settings: Any) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.reactor = FakeReactor()
        self.controller = FakeController(
            channel_map_assignments=[[]],
            heartbeat_job=[None],
            get_job=[None],
            mark_failed=[None],
            mark_cancelled=[None],
            upload_cache_file=[receipt],
        )
        self.evidence = Noted()
        self.shelf = NotedShelf()
        self.rendering: Callable[[], Any] = lambda: None
        self.rendered: list[tuple[Path, int, int, Path]] = []
        program = self.directory / "bin" / "arecord"
        program.parent.mkdir()
        program.write_text("#!/bin/false\n")
        program.chmod(0o755)
        wished = attrs.evolve(Settings(), capture_dir=self.directory / "captures", **settings)
        self.place = Workplace(
            clock=self.reactor,
            wall=WallTime(lambda: 1_000_000.0),
            controller=self.controller,
            node_id="node_1",
            evidence=self.evidence,
            shelf=self.shelf,
            live=LiveSettings(wished),
            start_capture=self._start_capture,
            render=self._render,
            renders=DeferredSemaphore(2),
            random=lambda: 0.0,
        )

    def _start_capture(self, request: CaptureRequest, limits: CaptureLimits) -> Capture:
        surroundings = Surroundings(
            spawner=self.reactor,
            clock=self.reactor,
            in_thread=maybeDeferred,
            env={"PATH": str(self.directory / "bin")},
        )
        return start_capture(request, limits, surroundings)

    async def _render(
        self, *, plan: RenderPlan, audio: CapturedAudio, frames: FrameRange, target: Path
    ) -> Rendered:
        self.rendered.append((audio.path, frames.start, frames.end, target))
        answer = self.rendering()
        if isinstance(answer, Deferred):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        target.write_bytes(b"rendered")
        return Rendered(target, 8, plan.content_type, frames.frames, frames.frames / audio.rate)

    def record(self, seconds: float) -> None:
        """Let the capture program write so many seconds of stereo S16 at 48 kHz, in real time."""
        for _ in range(int(seconds * 4)):
            self.reactor.advance(0.25)
            self.reactor.last.writes(FRAME * 12_000)

    def uploads(self) -> list[tuple[str, str, float | None, str | None]]:
        """(recording, file name, seconds, job) of each upload."""
        return [
            (recording, upload.file_name, upload.duration_seconds, upload.job_id)
            for _, recording, upload in self.controller.named("upload_cache_file")
        ]

    def captures(self) -> list[str]:
        """The names of the files in the capture directory."""
        return sorted(path.name for path in (self.directory / "captures").iterdir())
