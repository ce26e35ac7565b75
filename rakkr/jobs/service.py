"""JobWorkerService: claims jobs and looks after the sessions that they become."""

from __future__ import annotations

from typing import Any, Literal

from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError
from rakkr.controller.messages import ClaimedGroup, Job
from rakkr.health.edge import Edge
from rakkr.health.problems import OpenProblems
from rakkr.jobs.crew import Crew
from rakkr.jobs.refusal import refuse_undecodable
from rakkr.jobs.session import Session
from rakkr.jobs.take import Take
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import Workplace
from rakkr.moment import Moment
from rakkr.periodic import Periodic

WayDown = Literal["finish", "leave"]
_LAST_CLAIM_SECONDS = 2.0
_JOURNAL_SECONDS = 30.0


class JobWorkerService(MultiService):
    """
    Goes on with what an earlier agent left, then claims while there is a free slot.

    A slot is held while audio may still be recorded; rendering and uploading go on beside the next
    recording.  A job for a device that is being captured needs no slot: it joins.

    :ivar way_down: what a stop does: ``finish`` ends the captures and delivers, ``leave`` lets the
        capture programs run on for the agent that comes next.
    """

    log = Logger()

    def __init__(
        self,
        place: Workplace,
        *,
        claim_seconds: float,
        shutdown_seconds: float,
        problems: OpenProblems | None = None,
    ) -> None:
        """
        :param shutdown_seconds: how long a stop may take to deliver what was recorded.
        :param problems: where it is remembered over a restart that claiming failed.
        """
        super().__init__()
        self.setName("jobs")
        self.way_down: WayDown = "finish"
        self._place = place
        self._shutdown_seconds = shutdown_seconds
        self._crew = Crew(place)
        self._claims = Edge(
            place.evidence,
            "agent.recording_job.claim_next_failed",
            "agent.recording_job.claim_next_recovered",
            problems=problems,
        )
        self._opening: Deferred[None] = succeed(None)
        self._ready = False
        # A claim is let end: jobs that were leased in an answer nobody read would just expire.
        self._claiming = Periodic(
            place.clock, claim_seconds, self._claim, name="claiming jobs", patient=True
        )
        self._claiming.setServiceParent(self)
        Periodic(
            place.clock, _JOURNAL_SECONDS, self._write_journals, name="writing journals"
        ).setServiceParent(self)

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are not over."""
        return self._crew.sessions

    @property
    def ready(self) -> bool:
        """Whether it is known what an earlier agent left."""
        return self._ready

    @property
    def takes(self) -> list[Take]:
        """What is being captured, the oldest first, or soon will be."""
        takes = [session.take for session in self._crew.sessions]
        return [take for take in takes if take is not None and not take.is_over]

    @property
    def recording(self) -> int:
        """How many captures run."""
        return self._crew.recording

    @property
    def busy(self) -> bool:
        """
        Whether a device is being recorded, or is about to be, or nobody knows.

        So it is before the start, and on the way down, when captures may be left running.
        """
        known = self.running and self._ready
        return not known or self.recording > 0 or bool(self.takes)

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Read the journals, and begin."""
        self._opening = Deferred.fromCoroutine(self._open())
        super().startService()

    async def _open(self) -> None:
        try:
            await self._crew.open()
        except CancelledError:
            return  # the agent is going down
        except Exception:  # noqa: BLE001 - what is past must not keep the next recording away
            self.log.failure("what an earlier agent left could not be read")
        self._ready = True

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """Claim nothing more, go down the way that was chosen, and fire when all is still."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._opening.cancel()
        if self.way_down == "leave":
            await self._leave()
        else:
            await self._finish()
        await self._place.ledger.flush()

    async def _leave(self) -> None:
        """Leave captures running; the journals say where everything is."""
        claimed = Moment[None]()
        maybeDeferred(super().stopService).addBoth(claimed.comes)
        late: Deferred[Any] = deferLater(self._place.clock, _LAST_CLAIM_SECONDS)
        await first_of(claimed.when(), late)  # what is claimed just now is in a journal, too
        sessions = self._crew.sessions
        for session in sessions:
            session.keep_running()
        for work in self._crew.works:
            work.cancel()
        await DeferredList([session.when_gone() for session in sessions])

    async def _finish(self) -> None:
        """End the captures, and deliver within the bound; what is left is in the journals."""
        await maybeDeferred(super().stopService)
        sessions = self._crew.sessions
        for session in sessions:
            session.dismiss()
        everything = DeferredList(self._crew.works)
        # Past the bound, whatever still renders or uploads is cancelled; its audio stays.
        everything.addTimeout(self._shutdown_seconds, self._place.clock)
        await everything
        # A cancelled session still ends its capture, by a ladder of its own.
        await DeferredList([session.when_gone() for session in sessions])

    async def _write_journals(self) -> None:
        """What a disk did not take is tried again, also if nothing else happens."""
        if self._ready and not all(each.durable for each in self._place.ledger.journals()):
            await self._place.ledger.flush()

    async def _claim(self) -> None:
        while self._ready and self.running:
            try:
                claimed = await self._claim_once()
            except ControllerError as error:
                self.log.warn("claiming failed: {error}", error=str(error))
                self._claims.failed({"error": str(error), "nodeId": self._place.node_id})
                return
            if not claimed:
                return

    async def _claim_once(self) -> bool:
        """Claim what is next, as far as there is room for it; says whether there was anything."""
        controller = self._place.controller
        if self.recording < self._place.live.capacity:
            group = await controller.claim_next_group()
            self._claims_answered()
            if group is not None:
                await self._take(group)
            return group is not None
        if not any(session.recording for session in self._crew.sessions):
            return False
        job = await controller.peek_next()
        if job is None or not self._crew.admits(job):
            self._claims_answered()
            return False
        claimed = await controller.claim(job.id)
        self._claims_answered()
        await self._take(ClaimedGroup(jobs=(claimed,), undecodable=()))
        return True

    def _claims_answered(self) -> None:
        """Nothing to do is an answer; not to have asked, because no slot is free, is none."""
        self._claims.worked({"nodeId": self._place.node_id})

    async def _take(self, group: ClaimedGroup) -> None:
        for broken in group.undecodable:
            self.log.error("job {id} cannot be read: {why}", id=broken.id, why=broken.reason)
            self._crew.beside(refuse_undecodable(self._place, broken))
        if group.jobs:
            await self._begin(group.jobs)

    async def _begin(self, jobs: tuple[Job, ...]) -> None:
        self.log.info("claimed {jobs}", jobs=", ".join(job.id for job in jobs))
        await self._crew.take_on(jobs)
