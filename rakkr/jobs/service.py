"""JobWorkerService: claims jobs and looks after the sessions that they become."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    maybeDeferred,
)
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError
from rakkr.controller.messages import ClaimedGroup, Job
from rakkr.jobs.marks import Marks
from rakkr.jobs.member import Result
from rakkr.jobs.refusal import refuse_job, refuse_undecodable
from rakkr.jobs.session import Session
from rakkr.jobs.workplace import Workplace
from rakkr.periodic import Periodic


class JobWorkerService(MultiService):
    """
    Claims while there is a free slot, one claim at a time.

    A slot is held while audio may still be recorded; rendering and uploading go on beside the next
    recording.

    :ivar sessions: what is under way, oldest first.
    """

    log = Logger()

    def __init__(self, place: Workplace, *, claim_seconds: float, shutdown_seconds: float) -> None:
        """:param shutdown_seconds: how long a stop may take to deliver what was recorded."""
        super().__init__()
        self.setName("jobs")
        self._place = place
        self._shutdown_seconds = shutdown_seconds
        self._marks = Marks(place.clock, place.controller)
        self._claims_failed = False
        self._work: dict[Session, Deferred[None]] = {}
        self._refusing: set[Deferred[Any]] = set()
        # A claim is let end: jobs that were leased in an answer nobody read would just expire.
        self._claiming = Periodic(
            place.clock, claim_seconds, self._claim, name="claiming jobs", patient=True
        )
        self._claiming.setServiceParent(self)

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are not over."""
        return list(self._work)

    @property
    def recording(self) -> int:
        """How many captures run."""
        return sum(1 for session in self._work if session.recording)

    def stopService(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """
        Claim nothing more, end the captures, deliver within the bound, and fire when all is still.

        What could not be delivered in time is on the disk, and an event says where.
        """
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> None:
        await maybeDeferred(super().stopService)
        sessions = list(self._work)
        for session in sessions:
            session.dismiss()
        everything = DeferredList([*self._work.values(), *self._refusing])
        # Past the bound, whatever still renders or uploads is cancelled; its audio stays.
        everything.addTimeout(self._shutdown_seconds, self._place.clock)
        await everything
        # A cancelled session still ends its capture, by a ladder of its own.
        await DeferredList([session.when_gone() for session in sessions])

    async def _claim(self) -> None:
        while self.running and self.recording < self._place.live.capacity:
            try:
                group = await self._place.controller.claim_next_group()
            except ControllerError as error:
                self._claim_failed(error)
                return
            self._claims_failed = False
            if group is None:
                return
            self._take(group)

    def _claim_failed(self, error: ControllerError) -> None:
        self.log.warn("claiming failed: {error}", error=str(error))
        if not self._claims_failed:  # once per outage: an event each second would bury the others
            self._claims_failed = True
            details = {"error": str(error), "nodeId": self._place.node_id}
            self._place.evidence.emit("agent.recording_job.claim_next_failed", "warning", details)

    def _take(self, group: ClaimedGroup) -> None:
        for broken in group.undecodable:
            self.log.error("job {id} cannot be read: {why}", id=broken.id, why=broken.reason)
            self._beside(refuse_undecodable(self._place, self._marks, broken))
        if not self.running:  # the answer came while we were being stopped
            for job in group.jobs:
                why = "the agent was stopped before the recording could begin"
                self._beside(refuse_job(self._place, self._marks, job, why))
        elif group.jobs:
            self.log.info("claimed {jobs}", jobs=", ".join(job.id for job in group.jobs))
            self._begin(group.jobs)

    def _begin(self, jobs: Sequence[Job]) -> None:
        session = Session(self._place, jobs)
        work: Deferred[Any] = Deferred.fromCoroutine(session.run())
        self._work[session] = work

        def over(result: Any) -> None:
            del self._work[session]
            if not isinstance(result, list):
                self._session_failed(result)

        work.addBoth(over)

    def _session_failed(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("a session met a defect of this agent", failure=failure)

    def _beside(self, refusing: Coroutine[Deferred[Any], Any, Result]) -> None:
        """Do something that no recording waits for."""
        work: Deferred[Any] = Deferred.fromCoroutine(refusing)
        self._refusing.add(work)

        def over(_: object) -> None:
            self._refusing.discard(work)

        work.addBoth(over)
