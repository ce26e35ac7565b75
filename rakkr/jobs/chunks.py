"""
A recording that is delivered as chunks, in order, while it is still being recorded.

A chunk that fails is tried until it is taken, so the order is kept and the controller's offsets are
right.  Only when an operator's stop leaves too little time for all of them goes the last one first:
it completes the job, and a completed job takes the others afterwards (http-api 7.5).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.strip import Strip
from rakkr.controller.messages import Receipt
from rakkr.jobs.decisions import Wish
from rakkr.jobs.delivery import Delivery, NotRendered
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease
from rakkr.jobs.parts import Part, chunk_frames_for, last_part, most_bytes, ready_part
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.records import Split
from rakkr.jobs.sending import NotUploaded, TooLarge
from rakkr.jobs.workplace import JobEvidence, Workplace

LOOK_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 10.0
"""Until a chunk that could not be rendered is tried again."""
_HURRY_SECONDS: Final = 15.0
"""Before a stop window closes: the last chunk goes first from here on."""


class Source(Protocol):
    """The recording that chunks are cut from."""

    start: int

    async def reached(self) -> tuple[int, bool]:
        """Up to which frame it is settled, and whether that is its end."""

    def strip(self, start: int, end: int) -> Strip:
        """Cut out of it."""

    async def delivered(self, end: int) -> None:
        """Everything before this frame has a receipt."""


class Chunks:
    """Delivers one recording chunk by chunk."""

    log = Logger()

    def __init__(
        self,
        place: Workplace,
        plan: MemberPlan,
        lease: Lease,
        journal: Journal,
        delivery: Delivery,
        chunk_frames: int,
    ) -> None:
        self._place = place
        self._plan = plan
        self._lease = lease
        self._journal = journal
        self._delivery = delivery
        self._chunk_frames = chunk_frames
        self._evidence = JobEvidence(place.evidence, plan.job)

    async def run(self, source: Source, directory: Path) -> int:
        """
        Deliver everything, waiting for what is not recorded yet.

        :returns: how many chunks there are.
        :raises NotRendered: when a chunk could not be made, and no more is recorded.
        :raises NotUploaded: when the controller takes no more.
        """
        while True:
            reached, ended = await source.reached()
            part = self._next(source.start, reached, ended=ended)
            if part is not None:
                await self._deliver(part, source, directory)
            elif ended:
                return len(self._journal.remembered.receipts)
            else:
                await deferLater(self._place.clock, LOOK_SECONDS)

    def _next(self, start: int, reached: int, *, ended: bool) -> Part | None:
        number, first = self._front(start)
        known = self._journal.remembered.receipts.values()
        last = max(known, key=lambda each: each.start_frame, default=None)
        if last is not None and last.start_frame > first:  # it went first; these are before it
            size = -(-(last.start_frame - first) // (last.part - number))
            return Part(number, first, min(first + size, last.start_frame), number)
        if ended and first < reached and self._is_late():
            final = last_part(number, first, reached, self._chunk_frames)
            if final.number > number:
                self.log.info("{job}: the last chunk goes first", job=self._plan.job.id)
            return final
        return ready_part(number, first, self._chunk_frames, reached, ended=ended)

    def _front(self, start: int) -> tuple[int, int]:
        """Number and first frame of the first chunk that has no receipt."""
        receipts = self._journal.remembered.receipts
        number, first = 0, start
        while number in receipts:
            first = receipts[number].end_frame
            number += 1
        return number, first

    def _is_late(self) -> bool:
        standing = self._lease.standing
        if standing.wish is not Wish.DELIVER or standing.deliver_before is None:
            return False
        return standing.deliver_before - self._place.wall.controller_now() < _HURRY_SECONDS

    async def _deliver(self, part: Part, source: Source, directory: Path) -> None:
        strip = source.strip(part.start, part.end)
        try:
            ready = await self._delivery.render(part, strip, directory)
        except NotRendered as error:
            if error.disk_full:
                await self._smaller(part, strip, await self._place.disk.give_way())
            elif (await source.reached())[1]:
                raise
            else:  # while it is recorded there is time, and whatever is wrong may be put right
                await deferLater(self._place.clock, _PATIENCE_SECONDS)
            return
        try:
            receipt = await self._delivery.sending.send(part, ready, self._delivery.file_name(part))
        except TooLarge:
            await self._smaller(part, strip, None)
            return
        finally:
            if ready.own_file:
                ready.path.unlink(missing_ok=True)
        self._report(part, receipt)
        _, front = self._front(source.start)
        await source.delivered(front)

    async def _smaller(self, part: Part, strip: Strip, free_bytes: int | None) -> None:
        """Cut smaller pieces from here on; chunks need not be equally long."""
        if any(number > part.number for number in self._journal.remembered.receipts):
            raise NotUploaded(
                "the last chunk is delivered, so the one before it cannot be cut smaller; retry the"
                " recording at the controller to have all of it uploaded"
            )
        frame_bytes = strip.format.frame_bytes(self._plan.render.channels)
        most = most_bytes(self._place.uploads.bytes_per_second, free_bytes)
        frames = chunk_frames_for(self._plan.render, frame_bytes, strip.rate, most)
        self._chunk_frames = min(frames, max(1, strip.frames // 2))
        if strip.frames <= strip.rate // 1000:
            raise NotRendered(
                "there is no room, on the disk or on the way to the controller, for a file of even"
                " a thousandth of a second; make room in --capture-dir, then retry the recording"
                " at the controller"
            )
        await self._journal.note(Split(self._chunk_frames, "a chunk was too large"))

    def _report(self, part: Part, receipt: Receipt) -> None:
        self._evidence.emit(
            "chunk_uploaded",
            "info",
            {
                "chunkIndex": part.chunk,
                "chunkSeconds": round(part.frames / self._plan.job.command.capture_sample_rate, 6),
                "chunkTotal": part.chunk_total,
                "fileName": self._delivery.file_name(part),
                "uploadedChunkCount": len(self._journal.remembered.receipts),
                "checksum": receipt.checksum,
            },
        )
