"""Jobs that are not begun: one event, one mark, one reason, and no delay for their neighbours."""

from __future__ import annotations

from typing import Any

from rakkr.controller.messages import Job, UndecodableJob
from rakkr.health.event import Severity
from rakkr.jobs.marks import Marks
from rakkr.jobs.member import Ending, Result
from rakkr.jobs.workplace import JobEvidence, Workplace

_SEVERITY: Severity = "critical"


async def refuse_job(place: Workplace, marks: Marks, job: Job, why: str) -> Result:
    """Report and fail a job that cannot be recorded as it stands."""
    details: dict[str, Any] = {
        "channelMap": None,
        "command": place.live.current.capture_command,
        "device": job.command.capture_device,
        "error": why,
        "outputPath": None,
    }
    JobEvidence(place.evidence, job).emit("capture_start_failed", _SEVERITY, details)
    await marks.failed(job.id, why)
    return Result(job.id, Ending.FAILED, why)


async def refuse_undecodable(place: Workplace, marks: Marks, broken: UndecodableJob) -> Result:
    """Report and fail a job that cannot even be read."""
    place.evidence.emit(
        "agent.recording_job.capture_start_failed",
        _SEVERITY,
        {"error": broken.reason, "jobId": broken.id, "recordingId": broken.recording_id},
        broken.recording_id,
    )
    if broken.id is not None:
        await marks.failed(broken.id, broken.reason)
    return Result(broken.id or "unknown", Ending.FAILED, broken.reason)
