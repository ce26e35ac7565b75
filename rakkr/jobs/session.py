"""One take and the jobs that are recorded from it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger

from rakkr.jobs.announcing import announce
from rakkr.jobs.ending import Result
from rakkr.jobs.joining import plan_late, same_capture, same_device
from rakkr.jobs.journal import Journal
from rakkr.jobs.leases import Leases, assignments_for
from rakkr.jobs.limits import limits_of
from rakkr.jobs.load import concerned_by, load_of
from rakkr.jobs.member import Member
from rakkr.jobs.plan import ImpossibleJob, MemberPlan, plan_session
from rakkr.jobs.planning import Known, planned_again, write_plan
from rakkr.jobs.reader import Reader
from rakkr.jobs.recording import Recording
from rakkr.jobs.refusal import defect, given_up_before, guarded, refuse_job, refused_before
from rakkr.jobs.segments import current_records, left_by
from rakkr.jobs.take import Take
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.moment import Moment


class Session:
    """
    The jobs of one take, from their claims to their last receipts.

    A session that an earlier agent began goes on here: what the journals show as done is not done
    again.

    :ivar take: what is being captured, once it is planned.
    :ivar journals: of all its jobs.
    :ivar members: the jobs whose recording was begun.
    :ivar recording_members: those of them that still record.
    """

    log = Logger()

    def __init__(
        self,
        place: Workplace,
        journals: Sequence[Journal],
        name: str,
        hand_back: Callable[[Journal], None],
    ) -> None:
        """
        :param name: of the take, if it is a new one.
        :param hand_back: takes a job that was admitted, but cannot be recorded here after all.
        """
        self.take: Take | None = None
        self.members: list[Member] = []
        self.recording_members: list[Member] = []
        self._place = place
        self.journals = list(journals)
        self._name = name
        self._settings = place.live.current
        self._leases = Leases(place)
        self._hand_back = hand_back
        self._works: list[Deferred[Result | None]] = []
        self._awaited = 0
        self._taking: Deferred[Any] | None = None
        self._dismissed = False
        self._kept_running = False
        self._planned = Moment[None]()
        self._gone = Moment[None]()

    @property
    def recording(self) -> bool:
        """Whether a sample may still be recorded; an upload needs no recording slot."""
        if self._planned.came:
            return bool(self.recording_members)
        return any(each.remembered.unfinished_recording for each in self.journals)

    async def run(self) -> list[Result]:
        """Do the whole work.  Cancelling stops the capture and keeps what it recorded."""
        unfinished = [each for each in self.journals if not each.remembered.is_over]
        for journal in unfinished:
            self._leases.hold(journal)
        try:
            return await self._run(unfinished)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the controller must hear of it from us
            self.log.failure("a session met a defect of this agent")
            left = [each for each in unfinished if not each.remembered.is_over]
            return [await refuse_job(self._place, each, defect(error)) for each in left]
        finally:
            await self._clear()

    async def _run(self, unfinished: Sequence[Journal]) -> list[Result]:
        await self._plan(unfinished)
        if self.take is not None:
            self._taking = Deferred.fromCoroutine(self.take.run(left_by(self.journals)))
            self._taking.addErrback(self._take_failed)
            for member in self.members:
                self._later(member.journal, self._one(member))
        self._planned.comes(None)
        results = await self._results()
        if self.take is not None and self._taking is not None:
            await self._taking
            results += await self._results()
            await self.take.space.all_over(results)
        for member in self.members:
            await member.report.finish(results)
        return results

    async def _results(self) -> list[Result]:
        results: list[Result] = []
        while self._awaited < len(self._works):  # members that come late make it longer
            self._awaited += 1
            result = await self._works[self._awaited - 1]
            if result is not None:
                results.append(result)
        return results

    def _take_failed(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("a capture met a defect of this agent", failure=failure)

    async def _clear(self) -> None:
        """End whatever still runs; each end is tried, whatever became of the others."""
        self._planned.comes(None)
        self.recording_members.clear()
        for work in self._works:
            work.cancel()
        ends = self._leases.release()
        if self.take is not None and self._taking is not None:
            if self._kept_running:
                self.take.let_go()
                self._taking.cancel()
            else:
                ends.append(Deferred.fromCoroutine(self.take.stop()))
        await DeferredList([*ends, *self._works], consumeErrors=True)
        self._gone.comes(None)

    def when_gone(self) -> Deferred[None]:
        """Fire when no lease is held and nothing is looked after, also after a cancelled run."""
        return self._gone.when()

    def dismiss(self) -> None:
        """End the recording and deliver what there is: the agent is going down."""
        self._dismissed = True
        for member in self.members:
            member.dismiss()

    def keep_running(self) -> None:
        """From now on a cancelled :meth:`run` leaves the capture to the agent that comes next."""
        self._kept_running = True

    # Jobs that come while it is captured

    def admits(self, job: Any) -> bool:
        """Whether a job is for the device that is being captured here, and not too late."""
        if self._dismissed or (self.take is not None and self.take.ending):
            return False
        if self.take is None:  # it is being planned, or there will be none
            known = (each.remembered for each in self.journals)
            mine = [each.job for each in known if not each.is_over]
            return not self._planned.came and any(same_capture(each, job) for each in mine)
        if not same_device(job, self.take.plan, self._settings):
            return False
        try:
            plan_late(job, self.take.plan, self._settings, self._place.node_id)
        except ImpossibleJob as impossible:
            self.log.info("{job} cannot join: {why}", job=job.id, why=str(impossible))
            return False
        return True

    def admit(self, journal: Journal) -> None:
        """Let a job that came late have its window of the running capture."""
        self.journals.append(journal)
        self._leases.hold(journal)
        self._later(journal, self._late(journal))

    async def _late(self, journal: Journal) -> Result | None:
        await self._planned.when()
        take, job = self.take, journal.remembered.job
        if take is None:
            return await self._elsewhere(journal, "nothing is captured after all")
        start = max(await take.settle(), take.reel.end_now())
        if take.reel.missing:  # what is missing until now was before its time
            start = max(start, take.reel.frame_now())
        try:
            assignments = await assignments_for(self._place, [journal])
            plan = plan_late(job, take.plan, self._settings, self._place.node_id, assignments)
        except ImpossibleJob as impossible:
            return await self._elsewhere(journal, str(impossible))
        if take.ending:
            return await self._elsewhere(journal, f"{take.plan.device} is just released")
        start = max(start, take.space.given)
        take.share(journal)
        member = self._member(journal, plan, start)
        await write_plan(journal, take.plan, plan, take.name, start)
        for record in current_records(take):
            await journal.note(record)
        announce(JobEvidence(self._place.evidence, job), plan)
        return await self._one(member)

    async def _elsewhere(self, journal: Journal, why: str) -> Result | None:
        """Let a job have a capture of its own, which tries the device again and again."""
        self.log.info("{job} cannot join: {why}", job=journal.job_id, why=why)
        self.journals.remove(journal)
        await self._leases.drop(journal)
        self._hand_back(journal)
        return None

    # What is captured

    async def _plan(self, unfinished: Sequence[Journal]) -> None:
        """Decide what is captured, or read what an earlier agent decided."""
        wanted = []
        for journal in unfinished:
            standing = await self._leases.given_up(journal)
            if journal.remembered.mark is not None and journal.remembered.planned is None:
                self._later(journal, refused_before(self._place, journal))
            elif standing is None:
                wanted.append(journal)
            else:
                why = f"the controller's job is {standing.status}, and nothing was recorded"
                self._later(journal, given_up_before(self._place, journal, why))
        known = planned_again(self.journals)
        if known is None and wanted:
            known = await self._decide(wanted)
        if known is not None:
            self._begin(known)

    async def _decide(self, journals: Sequence[Journal]) -> Known | None:
        assignments = await assignments_for(self._place, journals)
        jobs = [each.remembered.job for each in journals]
        planned = plan_session(jobs, self._settings, self._place.node_id, assignments)
        by_job = {each.job_id: each for each in journals}
        for job, why in planned.refused:
            self._later(by_job[job.id], refuse_job(self._place, by_job[job.id], why))
        if (session := planned.session) is None:
            return None
        members = tuple((by_job[plan.job.id], plan, 0) for plan in session.members)
        short = await self._place.disk.preflight(
            load_of(session, session.seconds), *map(concerned_by, session.members)
        )
        if short is not None:
            for journal, _, _ in members:
                refusing = refuse_job(self._place, journal, short.sentence, reported=True)
                self._later(journal, refusing)
            return None
        for journal, plan, start in members:
            await write_plan(journal, session, plan, self._name, start)
            announce(JobEvidence(self._place.evidence, plan.job), plan)
        return Known(self._name, session, members, None, None)

    def _begin(self, known: Known) -> None:
        limits = limits_of(self._settings)
        self.take = Take(self._place, known.session, known.name, limits, known.origin)
        self.take.device.identity = known.identity
        for journal, plan, start in known.members:
            self.take.share(journal)
            if not journal.remembered.is_over:  # else its capture is an orphan
                self._member(journal, plan, start)

    def _member(self, journal: Journal, plan: MemberPlan, start: int) -> Member:
        assert self.take is not None
        evidence = JobEvidence(self._place.evidence, plan.job)
        reader = Reader(journal, evidence, start, plan.seconds * self.take.plan.rate)
        lease = self._leases.of(plan.job.id)
        recording = Recording(self._place, self.take, reader, lease, journal)
        member = Member(self._place, plan, lease, journal, recording, self._leave)
        self.members.append(member)
        if self._dismissed:
            member.dismiss()
        if journal.remembered.unfinished_recording:
            self.take.join(reader)
            self.recording_members.append(member)
        return member

    # Their ends

    def _later(self, journal: Journal, work: Coroutine[Deferred[Any], Any, Result | None]) -> None:
        self._works.append(Deferred.fromCoroutine(guarded(self._place, journal, work)))

    async def _one(self, member: Member) -> Result:
        try:
            result = await member.run()
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one member's defect must not end the others
            self.log.failure("job {job_id} met a defect of this agent", job_id=member.job_id)
            result = await member.broke(defect(error))
        finally:
            self._leave(member)
        self.log.info("{result}", result=result)
        return result

    def _leave(self, member: Member) -> None:
        if member in self.recording_members:
            self.recording_members.remove(member)
