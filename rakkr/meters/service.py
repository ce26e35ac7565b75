"""MeterService: measures every sample that a device delivers, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.capture.capture import Capture
from rakkr.capture.dropouts import Dropouts
from rakkr.capture.request import CaptureRequest
from rakkr.clock import WallTime
from rakkr.health.edge import Emitter
from rakkr.meters.alarms import Alarms
from rakkr.meters.analysis import Analysis
from rakkr.meters.event import MeterEvent
from rakkr.meters.failures import SamplingFailures, Source
from rakkr.meters.follower import FollowCapture, Follower
from rakkr.meters.frame import MeterFrame
from rakkr.meters.idle import IdleMeter
from rakkr.meters.sending import ChunkSender, FrameSender, Heard
from rakkr.meters.synthetic import synthetic_chunk, synthetic_frame
from rakkr.periodic import Periodic

LOOK_SECONDS: Final = 0.25
_WELL_SECONDS: Final = 60.0
_TONE_SECONDS: Final = 1.0


@attrs.frozen
class Recorded:
    """
    A capture that runs.

    :ivar interface_id: the controller's id of what it records, None when the job named none.
    :ivar wished: what was asked for.
    """

    capture: Capture
    interface_id: str | None
    wished: CaptureRequest


class Stream(Protocol):
    """Samples that are being measured: of a capture's file, or of a program."""

    @property
    def analysis(self) -> Analysis | None:
        """What is made of them."""

    @property
    def ended_at(self) -> float:
        """When the last one that was measured was captured."""

    def dropouts(self) -> Dropouts:
        """The gaps that were reported since this was asked last."""

    def left_out(self) -> int:
        """Frames that were not measured, because the machine was too slow, since it was asked."""

    async def look(self) -> None:
        """Measure what has come."""


class MeterService(MultiService):
    """
    Follows what is recorded, else listens to the configured device.

    While a capture runs, its file is measured; nothing is opened twice.  The idle program lets go
    of the device before a capture needs it, and takes it up again after the last one.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: WallTime,
        evidence: Emitter,
        *,
        recorded: Callable[[], Sequence[Recorded]],
        busy: Callable[[], bool],
        follow: FollowCapture,
        idle: IdleMeter | None,
        name_of: Callable[[str | None, CaptureRequest], str],
        alarms: Alarms,
        failures: SamplingFailures,
        frames: FrameSender | None,
        chunks: ChunkSender | None,
        post_seconds: float,
        synthetic_channels: Callable[[], int] | None = None,
    ) -> None:
        """
        Measure nothing yet.

        :param recorded: the captures that run, the one that counts first.
        :param busy: whether a device is being recorded, or is about to be.
        :param idle: the program for the time between; None where none is wished.
        :param name_of: the id of an interface, of the controller's one and of what was asked for.
        :param frames: where levels go; None where there is no controller.
        :param synthetic_channels: how many channels are invented while nothing is recorded, where
            somebody wishes that.
        """
        super().__init__()
        self.setName("meters")
        self._clock = clock
        self._wall = wall
        self._evidence = evidence
        self._recorded = recorded
        self._busy = busy
        self._follow = follow
        self._idle = idle
        self._name_of = name_of
        self._alarms = alarms
        self._failures = failures
        self._frames = frames
        self._chunks = chunks
        self._followed: Recorded | None = None
        self._follower: Follower | None = None
        self._synthetic_channels = synthetic_channels
        self._tick = 0
        self._behind_at: float | None = None
        self._left_out = 0
        for name, seconds, work in (
            ("measuring", LOOK_SECONDS, self._look),
            ("summing up", post_seconds, self._sum_up),
        ):
            Periodic(clock, seconds, work, name=name).setServiceParent(self)

    def let_go(self) -> Deferred[None]:
        """Let go of the idle device, which a capture needs; fires when it is free."""
        return maybeDeferred(self._idle.stop) if self._idle is not None else maybeDeferred(_nothing)

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """End everything that runs here."""
        for sender in (self._frames, self._chunks):
            if sender is not None:
                sender.stop()
        return DeferredList([maybeDeferred(super().stopService), self.let_go()])

    @property
    def _stream(self) -> tuple[Stream, str, CaptureRequest] | None:
        """What is measured, the id of its interface, and what was asked for."""
        if self._follower is not None and self._followed is not None:
            wished = self._followed.wished
            return self._follower, self._name_of(self._followed.interface_id, wished), wished
        idle = self._idle
        if idle is not None and idle.request is not None and idle.analysis is not None:
            return idle, self._name_of(None, idle.request), idle.request
        return None

    async def _look(self) -> None:
        self._choose()
        found = self._stream
        if found is None:
            return
        stream, interface, wished = found
        try:
            await stream.look()
        except OSError as error:
            self.sampling_failed(wished, f"what is recorded cannot be read: {error}")
            return
        if stream.analysis is not None:
            if stream.analysis.frames:
                self._report(self._failures.worked(source_of(wished)))
            self._hand_on(stream, stream.analysis, interface)
        self._judge_lag(stream, interface)
        if self._follower is not None and self._follower.is_over:
            self._sum_up_now()
            self._follower = self._followed = None

    def _choose(self) -> None:
        recorded = list(self._recorded())
        if self._follower is None and recorded:
            self._sum_up_now()
            self._followed = recorded[0]
            self._follower = self._follow(recorded[0].capture)
        if self._idle is not None and self._follower is None and not self._busy():
            self._idle.start()

    def sampling_failed(self, wished: CaptureRequest, error: str) -> None:
        """Report that a source gave no samples."""
        self._report(self._failures.failed(source_of(wished), error))

    def _hand_on(self, stream: Stream, analysis: Analysis, interface: str) -> None:
        """Send what listeners hear."""
        for chunk in analysis.take_chunks():
            if self._chunks is not None:
                age = (analysis.position - chunk.first_frame) / analysis.rate
                at = self._wall_of(stream.ended_at - age)
                self._chunks.send(Heard(chunk.wav, chunk.duration_ms, at, interface))

    async def _sum_up(self) -> None:
        self._sum_up_now()

    def _sum_up_now(self) -> None:
        found = self._stream
        if found is None and self._synthetic_channels is not None:
            self._invent(self._synthetic_channels())
        if found is None or found[0].analysis is None:
            return
        stream, interface, _ = found
        analysis = stream.analysis
        assert analysis is not None
        measured = analysis.frame()
        if not measured.frames:
            return
        frame = MeterFrame(
            captured_at=self._wall_of(stream.ended_at),
            interface_id=interface,
            levels=measured.levels,
            frames=measured.frames,
            rate=analysis.rate,
            dropouts=stream.dropouts(),
        )
        self._report(self._alarms.see(frame))
        if self._frames is not None:
            self._frames.send(frame)

    def _invent(self, channels: int) -> None:
        """Send levels and a tone that nobody measured, under an interface of their own."""
        self._tick += 1
        frame = synthetic_frame(self._tick, channels, self._wall.now())
        if self._frames is not None:
            self._frames.send(frame)
        if self._chunks is not None:
            wav = synthetic_chunk(frame, _TONE_SECONDS)
            milliseconds = round(_TONE_SECONDS * 1000)
            self._chunks.send(Heard(wav, milliseconds, self._wall.now(), frame.interface_id))

    def _judge_lag(self, stream: Stream, interface: str) -> None:
        """Say once that blocks are left out, and once that they are not any more."""
        more, now = stream.left_out(), self._clock.seconds()
        self._left_out += more
        facts = {"interfaceId": interface, "leftOutFrames": self._left_out}
        if more:
            if self._behind_at is None:
                self._evidence.emit("agent.meter.behind", "warning", facts)
            self._behind_at = now
        elif self._behind_at is not None and now - self._behind_at >= _WELL_SECONDS:
            self._evidence.emit("agent.meter.behind_recovered", "info", facts)
            self._behind_at, self._left_out = None, 0

    def _wall_of(self, mono: float) -> float:
        return self._wall.now() - (self._clock.seconds() - mono)

    def _report(self, events: Sequence[MeterEvent]) -> None:
        for event in events:
            self._evidence.emit(event.type, event.severity, event.details)


def source_of(wished: CaptureRequest) -> Source:
    """What the samples are of, for people."""
    return Source(wished.backend, wished.device, wished.format.name)


def _nothing() -> None:
    return None
