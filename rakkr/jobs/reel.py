"""What there is of a take: its segments on the axis, the one that still grows included."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import SampleFormat
from rakkr.audio.strip import Strip
from rakkr.capture.capture import Capture
from rakkr.jobs.axis import Axis
from rakkr.jobs.plan import SessionPlan
from rakkr.jobs.timeline import Gap, Stamp, Timeline
from rakkr.jobs.workplace import Workplace

OVERDUE_SECONDS: Final = 5.0
"""How long after its window's end a capture that gives nothing is waited for."""


class Reel:
    """
    The recorded side of a take.

    :ivar timeline: what is settled.
    :ivar capture: the segment that runs, or ran last.
    :ivar number: of that segment, counted from 1.
    :ivar opened: when another agent started that segment, None for one of our own.
    :ivar lost: why the segment before ended too early; "" while none did.
    """

    def __init__(self, place: Workplace, plan: SessionPlan, origin: Stamp | None) -> None:
        self.plan = plan
        self.timeline = Timeline()
        self.axis = Axis(plan.rate, origin)
        self.capture: Capture | None = None
        self.number = 0
        self.lost = ""
        self.opened: Stamp | None = None
        self._place = place

    @property
    def running(self) -> bool:
        """Whether a capture program is at work."""
        return self.capture is not None and self.capture.outcome is None

    @property
    def files(self) -> set[Path]:
        """The files that it is in."""
        files = {each.audio.path for each in self.timeline.placed}
        return files if self.capture is None else files | {self.capture.path}

    @property
    def missing(self) -> bool:
        """Whether the recording has begun, and no sample comes at the moment."""
        gives = self.capture is not None and self.running and self.capture.started_at is not None
        return self.axis.origin is not None and not gives

    @property
    def ran_seconds(self) -> float:
        """How much the segment gave that runs, or ran last."""
        return 0.0 if self.capture is None else self.capture.frames / self.plan.rate

    def frame_now(self) -> int:
        """Where the axis stands by the clock."""
        return self.axis.frame_at(self._place.stamp())

    def end_now(self) -> int:
        """The first frame that does not exist yet, as of the last look; costs nothing."""
        if self.capture is None or self.capture.outcome is not None:
            return self.timeline.end
        return max(self.timeline.end, self.running_from() + self.capture.frames)

    def has_passed(self, frame: int) -> bool:
        """Whether everything before a frame is recorded, or never will be."""
        if self.end_now() >= frame:
            return True
        slack = OVERDUE_SECONDS * self.plan.rate if self.running else 0.0
        return self.axis.begun and self.frame_now() >= frame + slack

    def running_from(self) -> int:
        """Where the running segment begins; an estimate until its first sample is there."""
        start = self.axis.start_of(self.number)
        if start is None:
            if self.capture is None or self.capture.started_at is None:
                return self.timeline.end
            if self.axis.origin is None and not self.lost:
                return 0
            start = self.moment(self.capture.started_at)
        return max(self.timeline.end_before(self.number), self.axis.frame_at(start))

    def moment(self, mono: float) -> Stamp:
        """Say when something happened in the running segment, which may be of another boot."""
        opened = self.opened
        if opened is None or opened.boot_id == self._place.boot_id:
            return self._place.stamp(mono)
        return Stamp(mono, opened.wall + mono - opened.mono, opened.boot_id)

    async def listen(self) -> None:
        """Take in what the running program reported as lost until now."""
        if self.capture is not None:
            await self.capture.listen()

    def put(self, audio: CapturedAudio) -> None:
        """Say what the running segment holds; when it began must be settled."""
        self.timeline = self.timeline.with_segment(
            self.number, audio, self.running_from(), self.lost
        )

    def strip(self, start: int, end: int) -> Strip:
        """Cut out of what is settled; a chunk that lies in a gap is silence, and never nothing."""
        sample = self.delivered_format or self.plan.format
        shape = (sample, self.plan.rate, self.plan.channels)
        silence = self._place.live.current.capture_gaps == "silence"
        fill = silence or not self.timeline.captured(start, end)
        return self.timeline.strip(start, end, shape=shape, fill=fill)

    @property
    def delivered_format(self) -> SampleFormat | None:
        """The format of what there is, which a program may deliver wider than it was planned."""
        placed = self.timeline.placed
        return placed[0].audio.format if placed else None

    def gaps(self, start: int, end: int) -> tuple[Gap, ...]:
        """What is missing between two frames, and why."""
        return self.timeline.gaps(start, end, self.lost)
