"""The sessions that are under way, and where a claimed job belongs."""

from __future__ import annotations

import itertools
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rakkr.controller.messages import Job
from rakkr.jobs.ending import Result
from rakkr.jobs.foreign import ForeignState
from rakkr.jobs.heir import can_inherit, inherit, wait_for, wait_for_files
from rakkr.jobs.joining import by_capture
from rakkr.jobs.journal import Journal
from rakkr.jobs.leftovers import deliver_left, is_left
from rakkr.jobs.member import Member
from rakkr.jobs.opening import open_ledger
from rakkr.jobs.session import Session
from rakkr.jobs.take import Take
from rakkr.jobs.takeover import take_over
from rakkr.jobs.together import side_by_side
from rakkr.jobs.workplace import Workplace


class Crew:
    """
    Finds a session for every journal.

    :ivar results: of the jobs that are over, by job id.
    """

    log = Logger()

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._work: dict[Session, Deferred[Any]] = {}
        self._beside: set[Deferred[Any]] = set()
        self._takes = itertools.count(1)
        self.results: dict[str, Result] = {}

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are not over, oldest first."""
        return list(self._work)

    @property
    def recording(self) -> int:
        """How many captures run."""
        return sum(1 for session in self._work if session.recording)

    @property
    def works(self) -> list[Deferred[Any]]:
        """What is not done yet; each fires when it is."""
        return [*self._work.values(), *self._beside]

    async def open(self) -> None:
        """Go on with whatever an earlier agent left."""
        journals, foreign = await open_ledger(self._place)
        self.resume(journals)
        if foreign is not None:
            self.beside(self._take_over(foreign))

    async def _take_over(self, foreign: ForeignState) -> None:
        journal = await take_over(self._place, foreign)
        if journal is not None:
            self._begin([journal])

    def resume(self, journals: Iterable[Journal]) -> None:
        """Go on with jobs that are unfinished, take by take."""
        groups: dict[str, list[Journal]] = {}
        unplanned: list[Journal] = []
        for journal in journals:
            planned = journal.remembered.planned
            if planned is not None:
                groups.setdefault(planned.take, []).append(journal)
            elif is_left(journal.remembered):
                self.beside(deliver_left(self._place, journal))
            elif not journal.remembered.is_over:
                unplanned.append(journal)
        for group in groups.values():
            self.log.info("going on with {jobs}", jobs=", ".join(each.job_id for each in group))
            self._begin(group)
        # What was claimed at the last moment may belong to one of those, and surely to each other.
        alone = [each for each in unplanned if not self._placed(each)]
        for together in by_capture(alone):
            self._begin(together)

    async def take_on(self, jobs: Sequence[Job]) -> None:
        """Remember claimed jobs, and begin with them."""
        stamp = self._place.stamp()
        # All at once: an agent that dies in between knows nothing of those that come later.
        journals = await side_by_side(
            [
                self._place.ledger.begin(
                    job, wall=stamp.wall, mono=stamp.mono, boot_id=stamp.boot_id
                )
                for job in jobs
            ]
        )
        new = [each for each in journals if not self._placed(each)]
        if new:
            self._begin(new)

    def beside(self, work: Coroutine[Deferred[Any], Any, Any]) -> None:
        """Do something that no recording waits for."""
        doing: Deferred[Any] = Deferred.fromCoroutine(work)
        self._beside.add(doing)

        def over(result: Any) -> None:
            self._beside.discard(doing)
            self._check(result)

        doing.addBoth(over)

    def admits(self, job: Job) -> bool:
        """Whether a job could join a capture that runs."""
        return any(session.admits(job) for session in self._work)

    def _placed(self, journal: Journal) -> bool:
        """Let a job join a capture, or have what is kept of its recording."""
        recording = journal.remembered.job.recording_id
        if self._place.live.current.salvage_on_retry == "upload":
            live = self._lost_member(recording)
            if live is not None:
                self.beside(self._after(journal, live))
                return True
            kept = self._place.ledger.salvage_of(recording)
            if kept is not None and kept is not journal:
                growing = self._take_of(kept)
                if growing is not None or can_inherit(kept.remembered):
                    self.beside(self._inherit(journal, kept, growing))
                    return True
        return self._joins(journal)

    def _joins(self, journal: Journal) -> bool:
        for session in self._work:
            if session.admits(journal.remembered.job):
                session.admit(journal)
                return True
        return False

    def _lost_member(self, recording_id: str) -> Member | None:
        for session in self._work:
            for member in session.members:
                known = member.journal.remembered
                nothing = known.is_over and not known.is_salvage
                if member.recording_id == recording_id and member.kept_for_retry and not nothing:
                    return member
        return None

    async def _after(self, journal: Journal, live: Member) -> None:
        await wait_for(self._place, journal, live)
        await self._inherit(journal, live.journal, self._take_of(live.journal))

    async def _inherit(self, journal: Journal, kept: Journal, growing: Take | None) -> None:
        if growing is not None and kept.remembered.is_salvage:
            await wait_for_files(self._place, journal, growing)
        if can_inherit(kept.remembered):
            await inherit(self._place, journal, kept)
        elif self._joins(journal):
            return
        self._begin([journal])

    def _take_of(self, kept: Journal) -> Take | None:
        """The take of a kept recording, if it is still being captured for others."""
        if all(each.sealed is not None for each in kept.remembered.segments.values()):
            return None
        takes = (session.take for session in self._work if kept in session.journals)
        return next((take for take in takes if take is not None and not take.is_over), None)

    def _begin(self, journals: Sequence[Journal]) -> None:
        name = f"{journals[0].job_id}.{next(self._takes)}"
        session = Session(self._place, journals, name, lambda journal: self._begin([journal]))
        work: Deferred[Any] = Deferred.fromCoroutine(session.run())
        self._work[session] = work
        work.addBoth(self._over, session)

    def _over(self, result: Any, session: Session) -> None:
        del self._work[session]
        self._place.shelf.settled()
        if isinstance(result, list):
            self.results |= {each.job_id: each for each in result}
        else:
            self._check(result)

    def _check(self, result: Any) -> None:
        if hasattr(result, "check") and result.check(CancelledError) is None:
            self.log.failure("work on a job met a defect of this agent", failure=result)
