"""Where everything goes that the meters found out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from rakkr.capture.request import CaptureRequest
from rakkr.clock import WallTime
from rakkr.health.edge import Emitter
from rakkr.meters.alarms import Alarms
from rakkr.meters.analysis import Analysis, Measured
from rakkr.meters.event import MeterEvent
from rakkr.meters.failures import SamplingFailures, Source
from rakkr.meters.frame import MeterFrame
from rakkr.meters.lag import Lag
from rakkr.meters.sending import ChunkSender, FrameSender, Heard
from rakkr.meters.stream import Stream
from rakkr.meters.synthetic import synthetic_chunk, synthetic_frame

_TONE_SECONDS: Final = 1.0


@attrs.define
class Outlet:
    """
    Sends levels, live audio and events.  A defect here costs what was to be sent, and no more.

    :ivar frames: where levels go; None where there is no controller.
    :ivar chunks: where live audio goes; None where nobody can listen.
    """

    clock: IReactorTime
    wall: WallTime
    evidence: Emitter
    alarms: Alarms
    failures: SamplingFailures
    lag: Lag
    frames: FrameSender | None
    chunks: ChunkSender | None
    _tick: int = 0
    _named: tuple[Stream, str] | None = None

    log = Logger()

    def failed(self, wished: CaptureRequest, error: str) -> None:
        """Report that a source gave no samples."""
        self._report(self.failures.failed(source_of(wished), error))

    def worked(self, wished: CaptureRequest) -> None:
        """Report that a source gives samples, if it did not before."""
        self._report(self.failures.worked(source_of(wished)))

    def left_out(self, interface_id: str, frames: int) -> None:
        """Report that frames are left out, or no more."""
        self._report(self.lag.seen(interface_id, frames, self.clock.seconds()))

    def levels(self, stream: Stream, interface_id: str, measured: Measured, rate: int) -> None:
        """Send a frame, and judge it."""
        frame = MeterFrame(
            captured_at=self._wall_of(stream.ended_at),
            interface_id=interface_id,
            levels=measured.levels,
            frames=measured.frames,
            rate=rate,
            dropouts=stream.dropouts(),
        )
        if self.frames is not None:
            self.frames.send(frame)
        known, self._named = self._named, (stream, interface_id)
        if known is not None and known[0] is stream and known[1] != interface_id:
            self.alarms.rename(known[1], interface_id)  # the controller has told its own id
        self._report(self.alarms.see(frame))

    def audio(self, stream: Stream, interface_id: str, analysis: Analysis) -> None:
        """Send what listeners hear."""
        for chunk in analysis.take_chunks():
            if self.chunks is not None:
                age = (analysis.position - chunk.first_frame) / analysis.rate
                at = self._wall_of(stream.ended_at - age)
                self.chunks.send(Heard(chunk.wav, chunk.duration_ms, at, interface_id))

    def invent(self, channels: int) -> None:
        """Send levels and a tone that nobody measured, under an interface of their own."""
        self._tick += 1
        now = self.wall.now()
        frame = synthetic_frame(self._tick, channels, now)
        if self.frames is not None:
            self.frames.send(frame)
        if self.chunks is not None:
            wav = synthetic_chunk(frame, _TONE_SECONDS)
            milliseconds = round(_TONE_SECONDS * 1000)
            self.chunks.send(Heard(wav, milliseconds, now, frame.interface_id))

    def stop(self) -> None:
        """Send nothing more."""
        for sender in (self.frames, self.chunks):
            if sender is not None:
                sender.stop()

    def _wall_of(self, mono: float) -> float:
        return self.wall.now() - (self.clock.seconds() - mono)

    def _report(self, events: Sequence[MeterEvent]) -> None:
        for event in events:
            self.evidence.emit(event.type, event.severity, event.details)


def source_of(wished: CaptureRequest) -> Source:
    """What the samples are of, for people."""
    return Source(wished.backend, wished.device, wished.format.name)
