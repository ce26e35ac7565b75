"""One capture and the jobs that are recorded from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
)
from twisted.logger import Logger

from rakkr.capture.capture import Capture
from rakkr.capture.request import CaptureLimits, CaptureRequest
from rakkr.controller.errors import ControllerError
from rakkr.controller.messages import ChannelMapAssignment, Job
from rakkr.jobs.lease import Lease, Rhythm
from rakkr.jobs.marks import Marks
from rakkr.jobs.member import Ending, Member, Result
from rakkr.jobs.plan import MemberPlan, SessionPlan, plan_session
from rakkr.jobs.refusal import refuse_job
from rakkr.jobs.together import side_by_side
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.moment import Moment
from rakkr.settings import Settings


class Session:
    """
    The jobs of one claim, from the claim to the last receipt.

    :ivar recording: whether a sample may still be recorded; an upload needs no recording slot.
    """

    log = Logger()

    def __init__(self, place: Workplace, jobs: Sequence[Job]) -> None:
        self._place = place
        self._jobs = tuple(jobs)
        self._settings: Settings = place.live.current
        self._leases: dict[str, Lease] = {}
        self._members: list[Member] = []
        self._recording_members: set[Member] = set()
        self._capture: Capture | None = None
        self._marks = Marks(place.clock, place.controller)
        self._dismissed = False
        self._gone = Moment[None]()
        self.recording = True

    async def run(self) -> list[Result]:
        """
        Do the whole work.

        Cancelling stops the capture and keeps what it recorded.
        """
        for job in self._jobs:
            self._leases[job.id] = self._hold(job)
        try:
            return await self._run()
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the controller must hear of it from us
            self.log.failure("a session met a defect of this agent")
            return [await self._refuse(job, _defect(error)) for job in self._jobs]
        finally:
            await self._clear()

    async def _clear(self) -> None:
        """End whatever still runs; each end is tried, whatever became of the others."""
        ends: list[Deferred[Any]] = [lease.release() for lease in self._leases.values()]
        if self._capture is not None and self._capture.outcome is None:
            ends.append(self._capture.stop())
        await DeferredList(ends, consumeErrors=True)
        self.recording = False
        self._gone.comes(None)

    def when_gone(self) -> Deferred[None]:
        """Fire when no lease is held and no program runs, also after a cancelled :meth:`run`."""
        return self._gone.when()

    def dismiss(self) -> None:
        """End the recording and deliver what there is: the agent is going down."""
        self._dismissed = True
        for member in self._members:
            member.dismiss()

    async def _run(self) -> list[Result]:
        assignments = await self._assignments()
        planned = plan_session(self._jobs, self._settings, self._place.node_id, assignments)
        if planned.session is not None:
            self._record(planned.session)
        # The program runs already: telling of a refusal may take as long as the controller does.
        refusals = [self._refuse(job, why) for job, why in planned.refused]
        running = [self._one(member) for member in self._members]
        results = await side_by_side([*refusals, *running])
        if planned.session is not None:
            self._release_capture(planned.session, results[len(refusals) :])
        return results

    def _record(self, session: SessionPlan) -> None:
        self._announce(session)
        capture = self._place.start_capture(self._request(session), limits_of(self._settings))
        self._capture = capture
        self._members = [self._member(plan, capture) for plan in session.members]
        self._recording_members = set(self._members)
        if self._dismissed:
            self.dismiss()

    async def _one(self, member: Member) -> Result:
        try:
            result = await member.run()
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one member's defect must not end the others
            self.log.failure("job {job_id} met a defect of this agent", job_id=member.job_id)
            await self._marks.failed(member.job_id, _defect(error))
            result = Result(member.job_id, Ending.FAILED, _defect(error))
        finally:
            self._leave(member)
        self.log.info(
            "job {job_id}: {ending}: {detail}",
            job_id=result.job_id,
            ending=result.ending.value,
            detail=result.detail,
        )
        return result

    def _leave(self, member: Member) -> bool:
        self._recording_members.discard(member)
        self.recording = bool(self._recording_members)
        return not self.recording

    def _hold(self, job: Job) -> Lease:
        settings, random = self._settings, self._place.random
        rhythm = Rhythm(
            settings.job_heartbeat_seconds, lambda: 2 * random(), settings.job_poll_seconds
        )
        evidence = JobEvidence(self._place.evidence, job)
        lease = Lease(self._place.clock, self._place.controller, job, rhythm, evidence.emit)
        lease.hold()
        return lease

    async def _assignments(self) -> list[ChannelMapAssignment]:
        unmapped = [job for job in self._jobs if job.command.channel_map is None]
        if not unmapped:
            return []
        try:
            return await self._place.controller.channel_map_assignments()
        except ControllerError as error:
            for job in unmapped:
                JobEvidence(self._place.evidence, job).emit(
                    "channel_map_lookup_failed", "warning", {"error": str(error)}
                )
            return []

    async def _refuse(self, job: Job, why: str) -> Result:
        return await refuse_job(self._place, self._marks, job, why)

    def _announce(self, session: SessionPlan) -> None:
        for member in session.members:
            command = member.job.command
            evidence = JobEvidence(self._place.evidence, member.job)
            if member.channel_map is not None:
                details = {
                    **member.channel_map.details(),
                    "configuredCaptureChannels": command.capture_channels,
                }
                evidence.emit("channel_map_applied", "info", details)
            if command.chunk_seconds:
                evidence.emit("chunked_fallback", "info", {"reason": "chunking_not_available"})
            if _wants_enhancement(member):
                why = "this agent does not enhance yet; the plain recording is delivered"
                evidence.emit("enhancement_failed", "warning", {"error": why})

    def _request(self, session: SessionPlan) -> CaptureRequest:
        directory = Path(self._settings.capture_dir).absolute()
        return CaptureRequest(
            backend=session.backend,
            command=session.command,
            args_template=session.args_template,
            device=session.device,
            format=session.format,
            rate=session.rate,
            channels=session.channels,
            seconds=session.seconds,
            path=directory / f"{session.stem}.raw.wav",
        )

    def _member(self, plan: MemberPlan, capture: Capture) -> Member:
        return Member(self._place, plan, self._leases[plan.job.id], capture, self._leave)

    def _release_capture(self, session: SessionPlan, results: Sequence[Result]) -> None:
        """Give the capture up when every member has its receipt, and may be deleted."""
        assert self._capture is not None
        policies = [plan.job.command.recorder_cache_retention for plan in session.members]
        if not all(policy is not None and policy.delete_after_upload for policy in policies):
            return
        receipts = [result.receipt for result in results if result.receipt is not None]
        if len(receipts) == len(policies):
            job = session.members[-1].job
            self._place.shelf.release(job, policies[-1], receipts[-1], [self._capture.path])


def _defect(error: Exception) -> str:
    return f"internal error: {error!r}; the node's log has the details"


def limits_of(settings: Settings) -> CaptureLimits:
    """When a capture counts as failed, from the settings."""
    return CaptureLimits(
        min_output_bytes=settings.capture_min_output_bytes,
        growth_grace_seconds=settings.capture_growth_grace_seconds,
        stalled_seconds=settings.capture_stalled_seconds,
        stop_grace_seconds=settings.capture_stop_grace_seconds,
    )


def _wants_enhancement(member: MemberPlan) -> bool:
    wished = member.job.command.enhancement
    return wished is not None and any(
        stage.enabled
        for stage in (
            wished.denoise,
            wished.highpass,
            wished.lowpass,
            wished.deesser,
            wished.compressor,
            wished.loudnorm,
            wished.gate,
        )
    )
