"""
One device, captured for as long as any job needs it.

A take is a row of segments, each one run of a capture program.  When one ends before everybody has
what they need, the next one is begun, again and again while the window lasts.  What lies between is
measured.

Every segment is written into the journals of the jobs before its program runs, so an agent that
comes later goes on where this one was; going on and beginning are the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from rakkr.capture.capture import Capture
from rakkr.capture.conclusion import audio_of
from rakkr.capture.loss import Loss, backoff, classify, decide
from rakkr.capture.outcome import CaptureOutcome, Failed
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.capture.trace import Trace
from rakkr.jobs.beginnings import Beginnings
from rakkr.jobs.device import KnownDevice
from rakkr.jobs.journal import Journal
from rakkr.jobs.plan import SessionPlan, request_of
from rakkr.jobs.reader import Reader
from rakkr.jobs.records import Record, SegmentOpened, SegmentRunning
from rakkr.jobs.reel import Reel
from rakkr.jobs.segments import Left, early_end, sealed_record
from rakkr.jobs.space import Space
from rakkr.jobs.take_events import TakeEvents
from rakkr.jobs.timeline import Stamp
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import Workplace
from rakkr.moment import Moment

_TRUSTED_SECONDS = 1.0


class Take:
    """
    The capture that jobs read their recordings from.

    :ivar name: its own, in the journals of all its jobs.
    :ivar directory: where its files are.
    :ivar reel: what there is of it.
    :ivar readers: the jobs whose audio is being recorded.
    :ivar space: gives the space of delivered frames back.
    :ivar outcome: how the last segment ended.
    :ivar error: why it ended before its time, in one line; None while it may go on.
    :ivar disk_full: whether it ended because the disk was full.
    """

    def __init__(
        self,
        place: Workplace,
        plan: SessionPlan,
        name: str,
        limits: CaptureLimits,
        origin: Stamp | None = None,
    ) -> None:
        """:param origin: where an earlier agent let the axis begin."""
        self.plan = plan
        self.name = name
        self.reel = Reel(place, plan, origin)
        self.readers: list[Reader] = []
        self.outcome: CaptureOutcome | None = None
        self.error: str | None = None
        self.disk_full = False
        self.device = KnownDevice(place, plan)
        self._place = place
        self._limits = limits
        self.directory = Path(place.live.current.capture_dir).absolute()
        self._journals: list[Journal] = []
        self._unneeded = Moment[None]()
        self._ready = Moment[None]()
        self._over = Moment[None]()
        self._beginnings = Beginnings(place, self.reel, self._note)
        self._events = TakeEvents(self, place.clock)
        self.space = Space(place, self.reel, self._journals)

    @property
    def ending(self) -> bool:
        """Whether nobody can join any more."""
        return self._over.came or self._unneeded.came or self.error is not None

    @property
    def is_over(self) -> bool:
        """Whether no sample will follow."""
        return self._over.came

    @property
    def seconds_left(self) -> float:
        """Until the last window ends."""
        return max(0.0, (self._need() - self.reel.frame_now()) / self.plan.rate)

    def share(self, journal: Journal) -> None:
        """Write what becomes of the segments into this journal, too."""
        self._journals.append(journal)

    def join(self, reader: Reader) -> None:
        """Record for a job, too."""
        self.readers.append(reader)
        self._aim()

    def leave(self, reader: Reader) -> bool:
        """Record for a job no more; says whether it was the last one."""
        self.readers.remove(reader)
        if self.readers:
            self._aim()
            return False
        self._unneeded.comes(None)
        return True

    async def stop(self) -> None:
        """End the running segment gracefully; returns when everything is settled."""
        self._unneeded.comes(None)
        if self.reel.capture is not None and self.reel.running:
            await self.reel.capture.stop()
        await self._over.when()

    def when_ready(self) -> Deferred[None]:
        """Fire when what an earlier agent left is counted, and what still runs was looked at."""
        return self._ready.when()

    def when_over(self) -> Deferred[None]:
        """Fire when no sample will follow."""
        return self._over.when()

    def let_go(self) -> None:
        """Leave a running program to the agent that comes next."""
        if self.reel.capture is not None:
            self.reel.capture.let_go()

    async def settle(self, *, fresh: bool = True) -> int:
        """Take in what the running segment has, see ``Capture.snapshot``; returns what follows."""
        capture = self.reel.capture
        if capture is not None and capture.started_at is not None:
            await self._beginnings.fix(capture)
            audio = await capture.snapshot(fresh=fresh)
            if capture.outcome is not None:  # it has ended meanwhile, and may have been cut
                audio = audio_of(capture.outcome)
            if audio is not None and capture is self.reel.capture:
                self.reel.put(audio)
        return self.reel.timeline.end

    async def run(self, left: Sequence[Left] = ()) -> None:
        """
        Record until nobody needs more.

        :param left: what an earlier agent wrote down of its segments.
        """
        try:
            for each in left:
                await self._take_over(each, last=each is left[-1])
            self._ready.comes(None)
            await self._record()
        finally:
            self.device.rest()
            self._ready.comes(None)
            self._over.comes(None)

    async def _record(self) -> None:
        attempt = 0
        while self._wanted():
            await self._beginnings.axis()  # as soon as anybody has tried, an earlier agent too
            before = self.reel.number
            error = await self._segment()
            if error is None or not self._wanted():
                continue
            self.reel.lost = error
            loss = classify(error)
            self.disk_full = loss is Loss.DISK_FULL
            if self.disk_full or not decide(loss, worked_before=bool(self.reel.timeline.placed)):
                await self._give_up(error)
                break
            await self._beginnings.axis()
            self._events.lost(error)
            tried = self.reel.number != before
            attempt = 1 if tried and self.reel.ran_seconds >= _TRUSTED_SECONDS else attempt + 1
            await self._pause(backoff(attempt, self._place.random, loss))

    async def _give_up(self, error: str) -> None:
        self.error = error
        if self.disk_full:  # sealing and the journals need a little room
            self._events.disk_full(error, await self._place.disk.give_way())

    async def _pause(self, seconds: float) -> None:
        seconds = max(0.05, min(seconds, self.seconds_left))
        await first_of(deferLater(self._place.clock, seconds), self._unneeded.when())

    async def _segment(self) -> str | None:
        """Run one segment; says why it ended before its time, None when it did not."""
        self.reel.axis.tried(self._place.stamp())
        wished = self._request(self.plan.device, None)
        request = await self.device.ready(wished, self.reel.delivered_format)
        if isinstance(request, str):
            return request
        if not self._wanted():
            return None
        self.reel.number, self.reel.opened = self.reel.number + 1, None
        capture = self._place.start_capture(request, self._limits, self._announce)
        await self._follow(capture)
        return early_end(capture) if self._wanted() else None

    def _announce(self, trace: Trace) -> Deferred[None]:
        """Write down where the audio will be, before there is any."""
        return self._note(SegmentOpened(self.reel.number, trace.as_json()))

    async def _follow(self, capture: Capture) -> None:
        """Look after a segment from here to its end."""
        self.reel.capture = capture
        self._aim()
        await capture.when_spawned()
        if capture.outcome is None:
            await self._note(SegmentRunning(self.reel.number, capture.trace.as_json()))
        if await capture.when_started() is not None:
            self._aim()
            await self._beginnings.guess(capture)
            if capture.outcome is None:
                if self.reel.opened is None:
                    self._events.back(capture)
                self.device.learn(self._note)
            if await self._beginnings.settle(capture, self.seconds_left):
                self._aim()
        self.outcome = outcome = await capture.when_done()
        if isinstance(outcome, Failed) and outcome.disk_full:
            await self._place.disk.give_way()  # what follows is written down
        await self._seal(capture, outcome)

    async def _seal(self, capture: Capture, outcome: CaptureOutcome) -> None:
        self.device.rest()
        audio = audio_of(outcome)
        if audio is not None and capture.started_at is not None:
            await self._beginnings.fix(capture)
            self.reel.put(audio)
        number = self.reel.number
        start = self.reel.axis.start_of(number)
        await self._note(sealed_record(number, outcome, start, self._place.boot_id))

    async def _take_over(self, left: Left, *, last: bool) -> None:
        """Go on with a segment of an earlier agent, or count what it left."""
        reel = self.reel
        reel.number, reel.opened = left.number, left.opened
        reel.axis.tried(left.opened)
        if left.start is not None:
            reel.axis.started(left.number, left.start)
        if left.sealed:
            reel.capture = None
            if left.audio is not None and left.start is not None:
                reel.put(left.audio)
            reel.lost = left.error or reel.lost
            return
        assert left.trace is not None  # what is not sealed was opened
        request = self._request(left.trace.device, left.trace.path)
        self.device.name = left.trace.device
        capture = self._place.adopt_capture(request, left.trace, self._limits)
        if not self._wanted():  # an orphan: its job is over
            capture.stop()
        if last:
            capture.when_started().addCallback(self._looked_at, capture)
        await self._follow(capture)
        reel.lost = (early_end(capture) if self._wanted() else None) or reel.lost

    def _looked_at(self, started: float | None, capture: Capture) -> None:
        if started is not None and capture.outcome is None:
            self._ready.comes(None)

    def _wanted(self) -> bool:
        """Whether a sample that came now would be needed."""
        if not self.readers or self._unneeded.came or self.error is not None:
            return False
        need = self._need()
        return self.reel.timeline.end < need and self.reel.frame_now() < need

    def _need(self) -> int:
        return max((reader.end for reader in self.readers), default=0)

    def _aim(self) -> None:
        """Tell the running segment how many frames of it are needed."""
        capture = self.reel.capture
        if capture is not None and self.reel.running and self.readers:
            # What is settled may be somebody's already, who has left.
            needed = max(self._need(), self.reel.timeline.end)
            capture.want(max(1, needed - self.reel.running_from()))

    def _request(self, device: str, path: Path | None) -> CaptureRequest:
        path = path or self.directory / f"{self.plan.stem}.raw.wav"
        return request_of(self.plan, device, self.seconds_left, path)

    def _note(self, record: Record) -> Deferred[None]:
        """Write into the journal of every job whose audio this is."""
        return gatherResults([each.note(record) for each in self._journals]).addCallback(
            lambda _: None
        )
