"""Disk space of frames that every job of a take has delivered, given back when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from twisted.internet.defer import gatherResults
from twisted.logger import Logger

from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.journal import Journal
from rakkr.jobs.records import Punched
from rakkr.jobs.reel import Reel
from rakkr.jobs.workplace import Workplace


class Space:
    """
    Punches holes where nobody needs the audio any more.

    A frame is needed until every job that has it holds a receipt, and for as long as a job's policy
    keeps recordings on this node.  While the disk has room for all of it, it is kept until the jobs
    are over: a controller that gave a job up deletes its chunks when an operator asks for a retry
    (http-api 9.1), and then they are needed once more.

    :ivar giving_back: whether delivered frames go at once, because the disk has no room for them.
    :ivar given: the first frame whose space was not given back.
    """

    log = Logger()

    def __init__(self, place: Workplace, reel: Reel, journals: Sequence[Journal]) -> None:
        self.giving_back = False
        self.given = 0
        self._place = place
        self._reel = reel
        self._journals = journals
        self._reached: dict[str, int] = {}
        self._able = True

    async def delivered(self, journal: Journal, end: int) -> None:
        """Everything of a job before this frame is at the controller."""
        self._reached[journal.job_id] = end
        self.giving_back = self.giving_back or self._place.disk.is_short()
        if self.giving_back:
            await self._give()

    async def all_over(self, results: Sequence[Result]) -> None:
        """Every job of the take is over: give up what nobody needs, here or in another session."""
        if all(result.ending is Ending.DELIVERED for result in results):
            await self._give()
        policies = [each.remembered.job.command.recorder_cache_retention for each in self._journals]
        if not all(policy is not None and policy.delete_after_upload for policy in policies):
            return
        if not all(journal.durable for journal in self._journals):
            return  # after a crash nobody would know that they are delivered
        by_job = {result.job_id: result.receipt for result in results}
        receipts = [by_job.get(journal.job_id) for journal in self._journals]
        newest = receipts[-1]
        if newest is not None and None not in receipts:
            others = self._named_elsewhere()
            files = [path for path in self._files() if path not in others]
            job = self._journals[-1].remembered.job
            self._place.shelf.release(job, policies[-1], newest, files)

    def _files(self) -> list[Path]:
        return [placed.audio.path for placed in self._reel.timeline.placed]

    def _named_elsewhere(self) -> AbstractSet[Path]:
        """
        Files that other jobs have, too, such as those of a capture that a retry's was kept of.

        They may need them, or their policies keep them; the sweep knows when the last lets go.
        """
        ledger = self._place.ledger
        if ledger.unread:
            return set(self._files())
        mine = {journal.job_id for journal in self._journals}
        every = (journal.remembered for journal in ledger.journals())
        return ledger.lost | {
            path
            for known in every
            if known.job.id not in mine and known.handed_to not in mine
            for path in known.local_paths()
        }

    async def _give(self) -> None:
        free = min((self._needed_from(each) for each in self._journals), default=0)
        if free <= self.given or not self._able:
            return
        if not self._named_elsewhere().isdisjoint(self._files()):
            return
        self.given = free
        # Written before the act: a hole that nobody remembers would be taken for silence.
        await gatherResults([journal.note(Punched(free)) for journal in self._journals])
        if not all(journal.durable for journal in self._journals):
            return
        try:
            await self._place.in_thread(self._punch, free)
        except OSError as error:
            self.log.warn("space could not be given back: {error}", error=str(error))
            self._able = False

    def _needed_from(self, journal: Journal) -> int:
        known = journal.remembered
        policy = known.job.command.recorder_cache_retention
        if policy is not None and not policy.delete_after_upload:
            return 0
        return self._reached.get(known.job.id, 0)

    def _punch(self, free: int) -> None:
        for placed in self._reel.timeline.placed:
            frames = min(placed.end, free) - placed.start
            if frames > 0:
                audio = placed.audio
                size = frames * audio.format.frame_bytes(audio.channels)
                self._able = self._place.punch(audio.path, audio.data_offset, size)
