"""Jobs that are not begun: one event, one mark, one reason, and no delay for their neighbours."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger

from rakkr.controller.messages import UndecodableJob
from rakkr.health.event import Severity
from rakkr.jobs.ending import Ending, Result
from rakkr.jobs.journal import Journal
from rakkr.jobs.marks import Marks
from rakkr.jobs.records import Done, Record, Salvaged
from rakkr.jobs.workplace import JobEvidence, Workplace

_log = Logger()
_SEVERITY: Severity = "critical"


async def refuse_job(
    place: Workplace, journal: Journal, why: str, *, reported: bool = False
) -> Result:
    """
    Report and fail a job that cannot be recorded as it stands.

    :param reported: whether there was an event of it already.
    """
    job = journal.remembered.job
    if not reported:
        facts = _facts(place, job.command.capture_device, why)
        JobEvidence(place.evidence, job).emit("capture_start_failed", _SEVERITY, facts)
    if journal.remembered.has_audio:
        await journal.note(Salvaged(why))
    await marks_of(place).failed(journal, why)
    await journal.note(Done(Ending.FAILED.value, why, place.wall.now()))
    return Result(job.id, Ending.FAILED, why)


def _facts(place: Workplace, device: str | None, why: str) -> dict[str, Any]:
    """What there is to say of a capture that nobody tried."""
    return {
        "channelMap": None,
        "command": place.live.current.capture_command,
        "device": device,
        "error": why,
        "outputPath": None,
    }


async def refused_before(place: Workplace, journal: Journal) -> Result:
    """Go on with telling the end of a job that an earlier agent did not begin."""
    mark = journal.remembered.mark
    assert mark is not None
    if not journal.remembered.mark_taken:
        await marks_of(place).resume(journal, mark.what, mark.reason)
    await journal.note(Done(Ending.FAILED.value, mark.reason, place.wall.now()))
    return Result(journal.job_id, Ending.FAILED, mark.reason)


async def given_up_before(place: Workplace, journal: Journal, why: str) -> Result:
    """End a job that the controller gave up before anything of it was recorded."""
    await journal.note(Done(Ending.FAILED.value, why, place.wall.now()))
    return Result(journal.job_id, Ending.FAILED, why)


async def guarded(
    place: Workplace, journal: Journal, work: Coroutine[Deferred[Any], Any, Result | None]
) -> Result | None:
    """Do a piece of work for a job, whose defect must not reach its neighbours."""
    try:
        return await work
    except CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the controller must hear of it from us
        _log.failure("work on job {job_id} met a defect of this agent", job_id=journal.job_id)
        return await refuse_job(place, journal, defect(error))


def defect(error: Exception) -> str:
    """Say that it was our own fault."""
    return f"internal error: {error!r}; the node's log has the details"


def marks_of(place: Workplace) -> Marks:
    """What delivers terminal marks here."""
    return Marks(place.clock, place.controller, place.random, place.mark_patience_seconds)


class _Unwritten:
    """Stands for the journal of a job that cannot be read, and so has none."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id

    def note(self, record: Record) -> Deferred[None]:  # noqa: ARG002 - there is no paper
        """Forget it: the controller's own lease ends such a job if we die."""
        return succeed(None)


async def refuse_undecodable(place: Workplace, broken: UndecodableJob) -> Result:
    """Report and fail a job that cannot even be read."""
    ids = {"jobId": broken.id, "recordingId": broken.recording_id}
    place.evidence.emit(
        "agent.recording_job.capture_start_failed",
        _SEVERITY,
        {**_facts(place, None, broken.reason), **ids},
        broken.recording_id,
    )
    if broken.id is not None:
        await marks_of(place).failed(_Unwritten(broken.id), broken.reason)
    return Result(broken.id or "unknown", Ending.FAILED, broken.reason)
