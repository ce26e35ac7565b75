"""The lease of one claimed job: heartbeats, and what the controller answers to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.controller.errors import ControllerError, Rejected, Unauthorised
from rakkr.controller.messages import Job
from rakkr.health.event import Severity
from rakkr.jobs.decisions import VANISHED, Standing, Wish, standing_of
from rakkr.moment import Moment
from rakkr.stamps import parse_stamp

VANISHED_SECONDS: Final = 60.0
"""Until "there is no such job" is believed; a proxy says so while its controller is away."""
_READ_THE_JOB = {403, 404, 409}


class LeaseCalls(Protocol):
    """The part of the controller's client that a lease needs."""

    async def heartbeat_job(self, job_id: str) -> Job:
        """Renew the lease of a running job."""

    async def get_job(self, job_id: str) -> Job:
        """Read a job."""


@attrs.frozen
class Rhythm:
    """
    How often a lease speaks, in seconds.

    :ivar heartbeat: between heartbeats.
    :ivar jitter: returns what is added to each, so that a fleet does not beat in step.
    :ivar poll: between looks at the job while its audio is being recorded, and after a failure.
    """

    heartbeat: float
    jitter: Callable[[], float]
    poll: float


class Lease:
    """
    Holds one job from its claim until :meth:`release`.

    A refused heartbeat (409) is no verdict: the job is read, and what it says is done.  Silence of
    the controller changes nothing; neither does 401, which a controller also answers when its own
    database is away.

    :ivar standing: what the controller last said.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        calls: LeaseCalls,
        job: Job,
        rhythm: Rhythm,
        report: Callable[[str, Severity, Mapping[str, Any]], None],
    ) -> None:
        """:param report: called with type, severity and details of the events of this job."""
        self._clock = clock
        self._calls = calls
        self._job_id = job.id
        self._rhythm = rhythm
        self._report = report
        self._outages: set[str] = set()
        self._end = Moment[Standing]()
        self._next_heartbeat = clock.seconds() + rhythm.heartbeat
        self._recording = True
        self._released = False
        self._vanished_at: float | None = None
        self._holding: Deferred[None] = succeed(None)
        self.standing = standing_of(job.status)
        self._stands(self.standing)

    def hold(self, *, at_once: bool = False) -> None:
        """
        Begin.

        :param at_once: speak now; otherwise the claim itself was the first heartbeat.
        """
        if at_once:
            self._next_heartbeat = self._clock.seconds()
        self._holding = Deferred.fromCoroutine(self._hold())

    def recording_ended(self) -> None:
        """No sample is recorded any more: heartbeats alone are enough."""
        self._recording = False

    def release(self) -> Deferred[None]:
        """End; fires when no call is under way."""
        self._released = True
        self._holding.cancel()
        return self._holding

    def when_not_recording(self) -> Deferred[Standing]:
        """A Deferred of one's own that fires when the controller wants no more of the recording."""
        return self._end.when()

    async def look(self) -> Standing:
        """
        Read the job now, and act on what it says.

        :raises ControllerError: when the job could not be read.
        """
        try:
            job = await self._calls.get_job(self._job_id)
        except Rejected as refusal:
            if refusal.status not in {403, 404}:
                raise
            now = self._clock.seconds()
            self._vanished_at = now if self._vanished_at is None else self._vanished_at
            if now - self._vanished_at >= VANISHED_SECONDS:
                self._stands(VANISHED)
        else:
            self._vanished_at = None
            stopped = _moment(job.stop_requested_at)
            self._stands(standing_of(job.status, job.failure_reason, stopped))
        return self.standing

    async def _hold(self) -> None:
        while not self._released and (
            self.standing.wish in {Wish.RECORD, Wish.DELIVER} or self.standing is VANISHED
        ):
            try:
                await deferLater(self._clock, self._pause())
                await self._speak()
            except CancelledError:
                return  # released
            except Exception:  # noqa: BLE001 - a silent lease is a lost one
                self.log.failure("job {job_id} is held on after a defect", job_id=self._job_id)

    def _pause(self) -> float:
        until_heartbeat = max(0.0, self._next_heartbeat - self._clock.seconds())
        if self._recording or self._outages:
            return min(self._rhythm.poll, until_heartbeat)
        return until_heartbeat

    async def _speak(self) -> None:
        due = self._clock.seconds() >= self._next_heartbeat
        if due:
            self._next_heartbeat = (
                self._clock.seconds() + self._rhythm.heartbeat + self._rhythm.jitter()
            )
        if due and self.standing.wish is Wish.RECORD:
            await self._attempt("control_plane_failed", self._heartbeat)
        else:
            await self._attempt("status_poll_failed", self.look)

    async def _heartbeat(self) -> None:
        try:
            await self._calls.heartbeat_job(self._job_id)
        except Unauthorised:
            raise
        except Rejected as refusal:
            if refusal.status not in _READ_THE_JOB:
                raise
            await self.look()

    async def _attempt(self, kind: str, speak: Callable[[], Any]) -> None:
        try:
            await speak()
        except ControllerError as error:
            if not self._outages:
                self._report(f"agent.recording_job.{kind}", "warning", {"error": str(error)})
            self._outages.add(kind)
            # The lease may still be alive: the next words come soon, and they are a heartbeat.
            self._next_heartbeat = min(
                self._next_heartbeat, self._clock.seconds() + self._rhythm.poll
            )
        else:
            self._outages_end(kind)

    def _outages_end(self, kind: str) -> None:
        """It works again.  Heartbeats are for recording only: afterwards nobody waits for them."""
        left = self._outages - {kind} if self.standing.wish is Wish.RECORD else set()
        if self._outages and not left:
            self._report("agent.recording_job.control_plane_recovered", "info", {})
        self._outages = left

    def _stands(self, standing: Standing) -> None:
        changed = standing.wish is not self.standing.wish
        self.standing = standing
        if changed:
            self.log.info(
                "job {job_id} is {status}: {wish}",
                job_id=self._job_id,
                status=standing.status,
                wish=standing.wish.value,
            )
        if standing.wish is not Wish.RECORD:
            self._end.comes(standing)


def _moment(stamp: str | None) -> float | None:
    """Epoch seconds of a controller's stamp; None where there is none that can be read."""
    try:
        return None if stamp is None else parse_stamp(stamp)
    except ValueError:
        return None
