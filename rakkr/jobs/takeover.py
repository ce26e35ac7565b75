"""
A job that the reference agent left unfinished, taken over at the first start.

That agent remembers one job, in one file.  What it recorded is given a journal of ours; from there
on it is a job like any other.  Its gaps were never measured, so its segments are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
from twisted.internet.task import deferLater
from twisted.logger import Logger

from rakkr.audio import wave
from rakkr.audio.captured import CapturedAudio
from rakkr.audio.pcm import UnknownFormat, sample_format
from rakkr.controller.errors import ControllerError, Rejected, Unauthorised
from rakkr.controller.messages import Job
from rakkr.jobs.foreign import ForeignState, foreign_files, is_foreign, takeover_facts
from rakkr.jobs.journal import Journal
from rakkr.jobs.leases import assignments_for, hold_job
from rakkr.jobs.leftovers import deliver_files
from rakkr.jobs.plan import ImpossibleJob, plan_member, plan_session
from rakkr.jobs.planning import write_plan
from rakkr.jobs.records import AxisBegan, Recorded, SegmentSealed
from rakkr.jobs.segment_records import audio_members
from rakkr.jobs.sending import size_of
from rakkr.jobs.state_file import take_state
from rakkr.jobs.workplace import JobEvidence, Workplace
from rakkr.process_identity import holders

_log = Logger()
_PAUSE_SECONDS = 2.0
_CAPTURES = {"running", "captured"}
_NO_BOOT = "taken over"


async def foreign_state(place: Workplace) -> ForeignState | None:
    """What the state file says of a job that no journal of ours knows, if it is unfinished."""
    path = place.live.base.agent_state_file.absolute()
    state, trouble = await place.in_thread(take_state, path)
    if trouble is not None:
        _log.warn("{sentence}", sentence=trouble.sentence)
    known = {journal.job_id for journal in place.ledger.journals()}
    return state if state is not None and is_foreign(state, known) else None


async def take_over(place: Workplace, state: ForeignState) -> Journal | None:
    """
    Write a journal for what the reference agent left.

    :returns: the journal of a job that is to be gone on with; None when nothing is left to do.
    """
    job = await _job_of(place, state)
    if job is None:
        _log.warn("the controller does not know job {id} any more", id=state.job_id)
        return None
    await _tell(place, job, state)
    lease = hold_job(place, job, at_once=True)
    try:
        await _until_written(place, foreign_files(state))
        captured = await _captured(place, job, state)
    finally:
        await lease.release()
    # Until here nothing of ours was written: an agent that dies begins the takeover anew.
    stamp = place.stamp()
    journal = await place.ledger.begin(job, wall=stamp.wall, mono=stamp.mono, boot_id=stamp.boot_id)
    if captured and await _write(place, journal, captured):
        return journal
    await deliver_files(place, journal, state)
    return None


async def _job_of(place: Workplace, state: ForeignState) -> Job | None:
    while True:
        try:
            return await place.controller.get_job(state.job_id)
        except Rejected as refusal:
            if not (refusal.transient or isinstance(refusal, Unauthorised)):
                return None
        except ControllerError as error:
            _log.info("job {id} is asked for again: {why}", id=state.job_id, why=str(error))
        await deferLater(place.clock, _PAUSE_SECONDS)


async def _tell(place: Workplace, job: Job, state: ForeignState) -> None:
    facts = takeover_facts(state)
    if not state.is_chunked:
        facts["outputBytes"] = await place.in_thread(size_of, state.output_path)
    JobEvidence(place.evidence, job).emit("recovered_after_restart", "warning", facts)


async def _until_written(place: Workplace, files: Sequence[Path]) -> None:
    """Its capture program may have outlived it, and ends by itself."""
    for path in files:
        while await place.in_thread(_is_open, path):
            await deferLater(place.clock, _PAUSE_SECONDS)


def _is_open(path: Path) -> bool:
    return path.exists() and bool(holders(path))


async def _captured(place: Workplace, job: Job, state: ForeignState) -> list[CapturedAudio]:
    """The captured audio, in order; nothing if only encoded files are left."""
    if state.status in _CAPTURES and not state.is_chunked:
        files: Sequence[Path] = foreign_files(state)
    elif state.raw_output_path is not None and state.status != "uploaded":
        files = (Path(state.raw_output_path),)
    else:
        return []
    return await place.in_thread(_sniffed, job, files)


def _sniffed(job: Job, files: Sequence[Path]) -> list[CapturedAudio]:
    command = job.command
    found: list[CapturedAudio] = []
    for path in files:
        try:
            expected = sample_format(command.capture_format)
            audio = wave.sniff(
                path, expected, command.capture_sample_rate, command.capture_channels
            )
        except (OSError, wave.NotWave, UnknownFormat) as error:
            _log.warn("{path} is left alone: {why}", path=path, why=str(error))
            continue
        shape = (audio.format, audio.rate, audio.channels)
        if found and shape != (found[0].format, found[0].rate, found[0].channels):
            _log.warn("{path} is left alone: it is of another format", path=path)
        elif audio.frames:
            found.append(audio)
    return found


async def _write(place: Workplace, journal: Journal, captured: Sequence[CapturedAudio]) -> bool:
    """
    Write the audio into the journal, end to end.

    :returns: whether the job can be delivered from it.
    """
    job, first = journal.remembered.job, captured[0]
    assignments = await assignments_for(place, [journal])
    planned = plan_session([job], place.live.current, place.node_id, assignments)
    if planned.session is None:
        _log.error("job {id}: {why}", id=job.id, why=planned.refused[0][1])
        return False
    session = attrs.evolve(
        planned.session, format=first.format, rate=first.rate, channels=first.channels
    )
    try:
        member = plan_member(job, planned.session.members[0].channel_map, first.channels)
    except ImpossibleJob as impossible:
        _log.error("job {id}: {why}", id=job.id, why=str(impossible))
        return False
    await write_plan(journal, session, member, f"{job.id}.taken-over", 0)
    await journal.note(AxisBegan(0.0, 0.0, _NO_BOOT))
    reached = 0
    for number, audio in enumerate(captured, start=1):
        await journal.note(_sealed(number, audio, reached / audio.rate))
        reached += audio.frames
    reason = "the agent that recorded it was replaced by this one"
    await journal.note(Recorded(0, reached, (), reason))
    return True


def _sealed(number: int, audio: CapturedAudio, begins: float) -> SegmentSealed:
    return SegmentSealed(
        number=number,
        **audio_members(audio),
        started_mono=begins,
        started_wall=begins,
        ended_mono=None,
        boot_id=_NO_BOOT,
    )
