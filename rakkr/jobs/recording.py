"""The recording of one job: its part of a take, while it grows and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from rakkr.audio.strip import Strip
from rakkr.jobs.decisions import Wish
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease
from rakkr.jobs.reader import Reader
from rakkr.jobs.records import Recorded
from rakkr.jobs.take import Take
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import Workplace
from rakkr.moment import Moment

_LOOK_SECONDS = 0.25


class Over(Enum):
    """Why a recording is over."""

    DEVICE = "the capture is over"
    STOPPED = "the controller wants no more of it"
    WINDOW = "its window is over"
    DISMISSED = "the agent is going down"


class Recording:
    """
    One job's part of a take.

    :ivar start: its first frame, on the take's axis.
    """

    def __init__(
        self, place: Workplace, take: Take, reader: Reader, lease: Lease, journal: Journal
    ) -> None:
        self.start = reader.start
        self.take = take
        self._place = place
        self._reader = reader
        self._lease = lease
        self.journal = journal
        self._dismissal = Moment[None]()
        self._ended = Moment[Recorded]()
        known = journal.remembered.recorded
        if known is not None:
            self._ended.comes(known)

    @property
    def ended(self) -> Recorded | None:
        """Where it ends, once that is settled."""
        return self.journal.remembered.recorded

    def when_ended(self) -> Deferred[Recorded]:
        """Fire when it is settled where the recording ends."""
        return self._ended.when()

    def dismiss(self) -> None:
        """End it now, and deliver what there is."""
        self._dismissal.comes(None)

    async def run(self, left: Callable[[], None]) -> Recorded:
        """
        Record until the window is over, or an end is wanted.

        :param left: told when this job needs no more samples.
        """
        if self.ended is not None:
            await self._until_counted(self.ended)
            return self.ended
        await self.take.when_ready()
        why = await self._until_over()
        missing = self.take.reel.missing
        reached = await self.take.settle()
        stopped_at = self.take.reel.frame_now() if missing else reached
        if self.take.leave(self._reader):
            left()
            await self.take.stop()
            reached = self.take.reel.timeline.end
            stopped_at = max(stopped_at, reached)
        else:
            left()
            await self.take.reel.listen()
            # Chunks may have been cut meanwhile, up to what is settled now.
            reached = max(reached, self.take.reel.timeline.end)
            stopped_at = max(stopped_at, reached)
        recorded = self._settled(why, reached, stopped_at)
        await self.journal.note(recorded)
        self._lease.recording_ended()
        self._ended.comes(recorded)
        return recorded

    async def give_up(self) -> None:
        """Record no more after a defect, and say what there is, so that another job can have it."""
        if self.ended is not None or self._reader not in self.take.readers:
            return
        reached = await self.take.settle()
        if self.take.leave(self._reader):
            await self.take.stop()
            reached = self.take.reel.timeline.end
        await self.journal.note(self._settled(Over.DISMISSED, reached, reached))

    async def _until_counted(self, known: Recorded) -> None:
        """After a restart the segments are counted first, and one may still be growing."""
        while await self.take.settle() < known.end_frame and not self.take.is_over:
            await first_of(deferLater(self._place.clock, _LOOK_SECONDS), self.take.when_over())

    def _settled(self, why: Over, reached: int, stopped_at: int) -> Recorded:
        """What is missing is declared up to the end that was planned, or that somebody chose."""
        reader = self._reader
        ends = max(reader.start, min(reader.end, reached))
        chosen = why in {Over.STOPPED, Over.DISMISSED}
        until = max(ends, min(reader.end, stopped_at)) if chosen else reader.end
        gaps = self.take.reel.gaps(reader.start, until)
        return Recorded(reader.start, ends, gaps, self.take.error or why.value)

    async def _until_over(self) -> Over:
        ways: dict[Over, Deferred[Any]] = {
            Over.DEVICE: self.take.when_over(),
            Over.STOPPED: self._stop_wanted(),
            Over.WINDOW: self._window_over(),
            Over.DISMISSED: self._dismissal.when(),
        }
        return list(ways)[await first_of(*ways.values())]

    def _stop_wanted(self) -> Deferred[object]:
        """Fire when the controller wants an end; a lost lease alone is none."""

        async def wanted() -> None:
            standing = await self._lease.when_not_recording()
            if standing.wish is Wish.FINISH:
                await Deferred()  # the race is won by the window, or by the capture's end

        return Deferred.fromCoroutine(wanted())

    def _window_over(self) -> Deferred[object]:
        async def over() -> None:
            while not self.take.reel.has_passed(self._reader.end):
                await deferLater(self._place.clock, _LOOK_SECONDS)

        return Deferred.fromCoroutine(over())

    # What the delivery reads

    async def reached(self) -> tuple[int, bool]:
        """Up to which frame it is settled, and whether that is its end."""
        if self.ended is None:
            reached = await self.take.settle(fresh=False)
            if self.ended is None:
                return min(self._reader.end, reached), False
        await self._until_counted(self.ended)  # or what is not counted yet would be cut as silence
        return self.ended.end_frame, True

    def strip(self, start: int, end: int) -> Strip:
        """Cut out of it."""
        return self.take.reel.strip(start, end)

    async def delivered(self, end: int) -> None:
        """Everything before this frame has a receipt."""
        await self.take.space.delivered(self.journal, end)

    def has_enough(self, recorded: Recorded) -> bool:
        """Whether there is as much audio as a recording must have."""
        captured = self.take.reel.timeline.captured(recorded.start_frame, recorded.end_frame)
        least = self._place.live.current.capture_min_output_bytes
        return captured > 0 and captured * self.take.plan.frame_bytes >= least

    def files(self) -> list[Path]:
        """The captured files that hold it."""
        end = self._reader.end if self.ended is None else self.ended.end_frame
        return [
            placed.audio.path
            for placed in self.take.reel.timeline.placed
            if placed.end > self.start and placed.start < end
        ]

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return Path(self._place.live.current.capture_dir).absolute()
