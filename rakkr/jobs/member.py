"""One job of a session: when its recording ends, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, FailureGroup, race
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture
from rakkr.capture.outcome import CaptureOutcome, Completed, Failed, Stalled, StartFailed
from rakkr.controller.messages import Receipt
from rakkr.jobs.decisions import Wish
from rakkr.jobs.delivery import Deliverable, Delivery, NotUploaded
from rakkr.jobs.lease import Lease
from rakkr.jobs.marks import Marks
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.timely import TimelyRender
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.moment import Moment
from rakkr.render.plan import FrameRange

_WINDOW_LOOK_SECONDS = 0.25


class Ending(Enum):
    """What became of a job."""

    DELIVERED = "delivered"
    NOTHING_TO_DELIVER = "stopped with nothing recorded"
    KEPT = "kept on this node"
    FAILED = "failed"


@attrs.frozen
class Result:
    """
    The end of one job.

    :ivar detail: a sentence for the log.
    """

    job_id: str
    ending: Ending
    detail: str
    receipt: Receipt | None = None


@attrs.frozen
class _Recorded:
    """A member's part of the capture; the outcome when there is no usable part."""

    audio: CapturedAudio | None
    outcome: CaptureOutcome | None


class Member:
    """
    One job from the first sample to its receipt.

    Members of a group have nothing in common but the capture: each has its own lease, end, file
    and failure.
    """

    log = Logger()

    def __init__(
        self,
        place: Workplace,
        plan: MemberPlan,
        lease: Lease,
        capture: Capture,
        leave: Callable[[Member], bool],
    ) -> None:
        """:param leave: told when this member records no more; says whether it was the last one."""
        self._place = place
        self._plan = plan
        self._lease = lease
        self._capture = capture
        self._leave = leave
        self._dismissal = Moment[None]()
        self._evidence = JobEvidence(place.evidence, plan.job)
        self._delivery = Delivery(place, plan, lease)
        self._timely = TimelyRender(place, plan, lease, self._delivery)
        self._marks = Marks(place.clock, place.controller)

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._plan.job.id

    def dismiss(self) -> None:
        """End the recording now, and deliver what there is: the agent is going down."""
        self._dismissal.comes(None)

    async def run(self) -> Result:
        """Record, render, upload; every way out but cancellation is a :class:`Result`."""
        recorded = await self._record()
        self._lease.recording_ended()
        if recorded.audio is None:
            return await self._nothing_usable(recorded.outcome)
        self._report_losses(recorded.outcome)
        try:
            return await self._deliver(recorded.audio)
        except CancelledError:
            if self._timely.secured is None:
                self._keep(recorded.audio, "the agent ended before the recording was delivered")
            raise

    async def _record(self) -> _Recorded:
        ended = await self._until_over()
        asked = self._leave(self) and ended is None
        if asked:
            ended = await self._capture.stop()
        if ended is None:
            return _Recorded(await self._capture.snapshot(), None)
        if isinstance(ended, Completed):
            return _Recorded(ended.audio, ended)
        asked = asked or self._lease.standing.wish is Wish.DELIVER
        return _Recorded(self._usable(ended) if asked else None, ended)

    def _usable(self, outcome: StartFailed | Stalled | Failed) -> CapturedAudio | None:
        """What a capture that failed at the very end left behind, where it is worth an upload."""
        audio = None if isinstance(outcome, StartFailed) else outcome.audio
        least = self._place.live.current.capture_min_output_bytes
        if audio is None or audio.frames * audio.format.frame_bytes(audio.channels) < least:
            return None
        return audio

    async def _until_over(self) -> CaptureOutcome | None:
        """Wait for the end of the capture (its outcome), or of this member's part (None)."""
        ends: list[Deferred[Any]] = [
            self._capture.when_done(),
            self._stop_wanted(),
            self._window_full(),
            self._dismissal.when(),
        ]
        try:
            _, over = await race(ends)
        except FailureGroup as group:  # none of them fails, so this is how a cancelled race ends
            raise CancelledError from group
        return over if isinstance(over, Completed | StartFailed | Stalled | Failed) else None

    def _stop_wanted(self) -> Deferred[object]:
        """Fire when the controller wants an end; a lost lease alone is none."""

        async def wanted() -> None:
            standing = await self._lease.when_not_recording()
            if standing.wish is Wish.FINISH:
                await Deferred()  # the race is won by the window, or by the capture's end

        return Deferred.fromCoroutine(wanted())

    def _window_full(self) -> Deferred[object]:
        async def full() -> None:
            wanted = self._plan.seconds * self._capture.request.rate
            if wanted >= self._capture.request.planned_frames:
                await Deferred()  # the capture ends by itself at this member's end
            while self._capture.frames < wanted:
                await deferLater(self._place.clock, _WINDOW_LOOK_SECONDS)

        return Deferred.fromCoroutine(full())

    async def _deliver(self, audio: CapturedAudio) -> Result:
        window = min(audio.frames, self._plan.seconds * audio.rate)
        standing = self._lease.standing
        if standing.wish in {Wish.FINISH, Wish.KEEP}:
            return self._keep(
                audio, f"the controller's job is {standing.status} ({standing.reason})"
            )
        ready = await self._timely.run(audio, FrameRange(0, window))
        if isinstance(ready, Deliverable):
            return await self._send(ready)
        if self._timely.secured is not None:
            return self._delivered(self._timely.secured, f"as WAV only: {ready}")
        await self._marks.failed(self._plan.job.id, str(ready))
        return self._result(Ending.FAILED, str(ready))

    async def _send(self, ready: Deliverable) -> Result:
        try:
            receipt = await self._delivery.upload(ready, self._plan.job.command.output_file_name)
        except NotUploaded as error:
            if self._timely.secured is not None:
                return self._delivered(self._timely.secured, f"as WAV only: {error}")
            return self._result(Ending.KEPT, f"{ready.path}: {error}")
        if ready.own_file:
            policy = self._plan.job.command.recorder_cache_retention
            self._place.shelf.release(self._plan.job, policy, receipt, [ready.path])
        return self._delivered(receipt, f"{ready.seconds:.3f} s")

    def _delivered(self, receipt: Receipt, what: str) -> Result:
        detail = f"{what}, {receipt.size} bytes, {receipt.checksum}"
        return attrs.evolve(self._result(Ending.DELIVERED, detail), receipt=receipt)

    def _keep(self, audio: CapturedAudio, why: str) -> Result:
        self._delivery.kept(audio, why)
        return self._result(Ending.KEPT, f"{audio.path}: {why}")

    def _result(self, ending: Ending, detail: str) -> Result:
        return Result(self._plan.job.id, ending, detail)

    async def _nothing_usable(self, outcome: CaptureOutcome | None) -> Result:
        """The capture gave no audio that could be delivered: say why, and end the job."""
        job_id = self._plan.job.id
        if self._lease.standing.wish is Wish.DELIVER and not isinstance(
            outcome, StartFailed | Stalled
        ):
            await self._marks.cancelled(job_id)
            return self._result(Ending.NOTHING_TO_DELIVER, "stopped before anything was recorded")
        error = "nothing was recorded before the end"
        if isinstance(outcome, StartFailed | Stalled | Failed):
            self._report_failure(outcome)
            error = outcome.error
        await self._marks.failed(job_id, error)
        return self._result(Ending.FAILED, error)

    def _report_losses(self, outcome: CaptureOutcome | None) -> None:
        """Declare what the device did not give: a recording may be short, but never silently so."""
        if not isinstance(outcome, Completed):
            return
        if outcome.dropouts.count or outcome.ended_early:
            self._evidence.emit(
                "capture_incomplete",
                "warning",
                {
                    "capturedFrames": outcome.audio.frames,
                    "device": self._capture.request.device,
                    "dropoutCount": outcome.dropouts.count,
                    "dropoutMilliseconds": round(outcome.dropouts.milliseconds, 3),
                    "endedEarly": outcome.ended_early,
                    "outputPath": str(self._capture.path),
                    "plannedFrames": outcome.planned_frames,
                },
            )

    def _report_failure(self, outcome: StartFailed | Stalled | Failed) -> None:
        facts = {
            "channelMap": self._plan.channel_map and self._plan.channel_map.details(),
            "device": self._capture.request.device,
            "error": outcome.error,
            "outputPath": str(self._capture.path),
        }
        if isinstance(outcome, StartFailed):
            self._evidence.emit(
                "capture_start_failed", "critical", {**facts, "command": self._capture.command}
            )
        elif isinstance(outcome, Stalled):
            seen = outcome.evidence
            self._evidence.emit(
                "capture_output_stalled",
                "critical",
                {
                    **facts,
                    "growthAgeSeconds": seen.age_seconds,
                    "growthGraceSeconds": seen.grace_seconds,
                    "lastGrowthSecondsAgo": seen.unchanged_seconds,
                    "sizeBytes": seen.size,
                    "stalledSeconds": seen.stalled_seconds,
                },
            )
        else:
            self._evidence.emit("capture_failed", "critical", facts)
