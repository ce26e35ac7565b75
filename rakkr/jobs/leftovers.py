"""
Files that the reference agent encoded, and that only have to be sent.

They are written into the job's journal first, so that an agent that comes later goes on with them.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import gatherResults

from rakkr.controller.messages import Job
from rakkr.jobs.foreign import ForeignState
from rakkr.jobs.journal import Journal
from rakkr.jobs.leases import hold_lease
from rakkr.jobs.naming import safe_file_name
from rakkr.jobs.parts import Part
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.records import DELIVERED, Done, Record, Rendered, Salvaged
from rakkr.jobs.records import Sending as SendingRecord
from rakkr.jobs.refusal import marks_of
from rakkr.jobs.remembered import Remembered
from rakkr.jobs.sending import Deliverable, NotUploaded, Sending, TooLarge
from rakkr.jobs.workplace import Workplace
from rakkr.render.channels import select_routing
from rakkr.render.codec import choose_codec, content_type
from rakkr.render.plan import RenderPlan


async def deliver_files(place: Workplace, journal: Journal, state: ForeignState) -> None:
    """Upload what was encoded already, as it is."""
    if state.status == "uploaded":
        await _end(place, journal, DELIVERED, "the agent before this one uploaded it")
        return
    parts = await place.in_thread(_parts, journal.remembered.job, state)
    if not parts:
        if not state.uploaded_chunk_count:  # else the controller has what there was
            kind = "chunked_recording" if state.is_chunked else "recording"
            await marks_of(place).failed(journal, f"agent_restarted_during_{kind}")
        await _end(place, journal, "failed", "the agent before this one left no audio")
        return
    await gatherResults([journal.note(each) for part in parts for each in _noted(*part)])
    await deliver_left(place, journal, parts[-1][0].chunk_total)


def _noted(part: Part, ready: Deliverable, name: str) -> tuple[Record, Record]:
    """What another agent must know to send a file."""
    path, kind, seconds = ready.path, ready.content_type, ready.seconds
    return (
        SendingRecord(part.number, path, kind, name, seconds),
        Rendered(part.number, path, kind, seconds, part.frames, part.chunk),
    )


def is_left(known: Remembered) -> bool:
    """Whether a job was taken over as files that only have to be sent."""
    return known.planned is None and bool(known.rendered) and not known.is_over


async def deliver_left(place: Workplace, journal: Journal, chunk_total: int | None = None) -> None:
    """
    Upload what is left of the files that were taken over.

    :param chunk_total: what the other agent knew of their number.
    """
    known = journal.remembered
    lease = hold_lease(place, journal)
    try:
        sending = Sending(place, _plain_plan(known.job), lease, journal)
        for number in sorted(known.rendered.keys() - known.receipts.keys()):
            part, ready = _part(known, number, chunk_total)
            await sending.send(part, ready, known.sending[number].file_name)
    except (NotUploaded, TooLarge) as error:
        await journal.note(Salvaged(str(error)))
        await _end(place, journal, "kept", str(error))
    else:
        what = f"{len(known.rendered)} files of the agent before this one"
        await _end(place, journal, DELIVERED, what)
    finally:
        await lease.release()


def _part(known: Remembered, number: int, chunk_total: int | None) -> tuple[Part, Deliverable]:
    made = known.rendered[number]
    is_last = made.chunk is not None and number == max(known.rendered)
    total = (chunk_total or number + 1) if is_last else None
    part = Part(number, number * made.frames, (number + 1) * made.frames, made.chunk, total)
    return part, Deliverable(made.path, made.content_type, made.seconds, own_file=False)


def _plain_plan(job: Job) -> MemberPlan:
    """A plan for files that need no rendering any more, so that nothing in it can be impossible."""
    command = job.command
    render = RenderPlan(
        codec=choose_codec(command.output_codec, command.output_file_name),
        routing=select_routing((), command.capture_channels),
    )
    name = safe_file_name(command.output_file_name)
    return MemberPlan(job, command.duration_seconds, name, render, None)


def _parts(job: Job, state: ForeignState) -> list[tuple[Part, Deliverable, str]]:
    """What can be sent, in order; the last one completes the job."""
    name = state.upload_file_name or job.command.output_file_name
    kind = state.upload_content_type or content_type(choose_codec(None, name))
    rate = job.command.capture_sample_rate
    seconds = state.upload_duration_seconds or float(job.command.duration_seconds)
    if not state.is_chunked:
        if state.output_path is None or not Path(state.output_path).exists():
            return []
        ready = Deliverable(Path(state.output_path), kind, seconds, own_file=False)
        return [(Part(0, 0, round(seconds * rate)), ready, name)]
    total = state.chunk_total or max(
        [each.index + 1 for each in state.pending_chunks] + [state.uploaded_chunk_count or 0]
    )
    length = float(job.command.chunk_seconds or seconds)
    pending = [each for each in state.pending_chunks if Path(each.output_path).exists()]
    found = []
    for each in sorted(pending, key=lambda chunk: chunk.index):
        last = each.index == max(chunk.index for chunk in pending)
        path = Path(each.output_path)
        part = Part(
            each.index,
            round(each.index * length * rate),
            round((each.index + 1) * length * rate),
            each.index,
            total if last else None,
        )
        ready = Deliverable(
            path, content_type(choose_codec(None, path.name)), length, own_file=False
        )
        found.append((part, ready, path.name))
    return found


async def _end(place: Workplace, journal: Journal, ending: str, detail: str) -> None:
    await journal.note(Done(ending, detail, place.wall.now()))
