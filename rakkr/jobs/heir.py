"""
A job for a recording whose audio is here already.

A controller gives a lost job's recording a new job when an operator asks for a retry (http-api
9.4).  The room cannot say everything again, so the audio that was kept is delivered under the new
job.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from rakkr.jobs.decisions import Wish
from rakkr.jobs.journal import Journal
from rakkr.jobs.leases import hold_lease
from rakkr.jobs.member import Member
from rakkr.jobs.records import Handed, Recorded
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.take import Take
from rakkr.jobs.timeline import Gap
from rakkr.jobs.together import first_of
from rakkr.jobs.workplace import JobEvidence, Workplace

_log = Logger()


def can_inherit(known: Remembered) -> bool:
    """
    Whether a finished journal has audio that can be delivered under another job.

    What still grows for others is not counted yet, so it cannot be handed over.
    """
    if not known.is_salvage or known.planned is None or known.recorded is None:
        return False
    if any(each.sealed is None for each in known.segments.values()):
        return False
    paths = [each.path for each in known.segments.values() if each.path is not None]
    return bool(paths) and all(Path(path).exists() for path in paths)


async def inherit(place: Workplace, journal: Journal, old: Journal) -> None:
    """
    Write the kept recording into the journal of its new job.

    Audio whose space was given back is at the controller, or was purged there by the retry; it is
    left out, and the event says so.
    """
    known = old.remembered
    planned, recorded = known.planned, known.recorded
    assert planned is not None
    assert recorded is not None
    start = max(recorded.start_frame, known.punched)
    await journal.note(planned)
    if known.axis is not None:
        await journal.note(known.axis)
    for segment in known.segments.values():
        if segment.sealed is not None:
            await journal.note(segment.sealed)
    gaps = [gap for gap in recorded.gaps if gap.end_frame > start]
    if start > recorded.start_frame:  # the controller had it, and deletes it with a retry
        gone = start - recorded.start_frame
        gaps.insert(0, Gap(recorded.start_frame, gone, "given back after its upload"))
    await journal.note(Recorded(start, recorded.end_frame, tuple(gaps), recorded.reason))
    await old.note(Handed(journal.job_id))
    facts = {
        "frames": recorded.end_frame - start,
        "framesGivenBack": start - recorded.start_frame,
        "previousJobId": old.job_id,
        "reason": None if known.salvaged is None else known.salvaged.reason,
    }
    JobEvidence(place.evidence, journal.remembered.job).emit("salvage_uploading", "warning", facts)
    _log.info("{new} delivers what was kept of {old}", new=journal.job_id, old=old.job_id)


async def wait_for(place: Workplace, journal: Journal, live: Member) -> None:
    """
    Hold the new job while the recording still goes on under the one that was lost.

    A stop of the new job ends the recording.
    """
    lease = hold_lease(place, journal)
    try:
        if await first_of(lease.when_not_recording(), live.when_over()) == 0:
            if lease.standing.wish is Wish.DELIVER:
                live.dismiss()
            await live.when_over()
    finally:
        await lease.release()


async def wait_for_files(place: Workplace, journal: Journal, growing: Take) -> None:
    """Hold the new job while others still record into the files that have its audio."""
    lease = hold_lease(place, journal)
    try:
        await growing.when_over()
    finally:
        await lease.release()
