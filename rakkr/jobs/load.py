"""What recordings take of the disk, in the words of its watch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rakkr.disk.need import CaptureLoad, RenderCopy
from rakkr.disk.notices import Concerned
from rakkr.disk.watch import Running
from rakkr.jobs.plan import MemberPlan, SessionPlan

if TYPE_CHECKING:
    from rakkr.jobs.session import Session
    from rakkr.jobs.take import Take


def load_of(
    plan: SessionPlan,
    seconds: float,
    members: Iterable[MemberPlan] | None = None,
    *,
    giving_back: bool = True,
) -> CaptureLoad:
    """
    What a take writes from now on.

    :param seconds: until the last window ends.
    :param members: those that are still recorded; all that were planned, if not given.
    :param giving_back: whether chunks that are delivered take no space any more.
    """
    parts = plan.members if members is None else tuple(members)
    chunks = [member.chunk_seconds for member in parts]
    longest = max((each for each in chunks if each is not None), default=None)
    return CaptureLoad(
        format=plan.format,
        rate=plan.rate,
        channels=plan.channels,
        seconds=seconds,
        # One job that is no chunked one keeps everything.
        chunk_seconds=None if None in chunks or not giving_back else longest,
        copies=tuple(
            RenderCopy(
                codec=member.render.codec,
                format=plan.format,
                rate=plan.rate,
                channels=member.render.channels,
                seconds=member.seconds,
                bitrate_kbps=member.render.bitrate_kbps,
            )
            for member in parts
            if not _is_the_capture(member, plan)
        ),
    )


def _is_the_capture(member: MemberPlan, plan: SessionPlan) -> bool:
    """Whether the captured file is what will be delivered, so that no copy is made."""
    whole = member.chunk_seconds is None and len(plan.members) == 1
    untouched = member.render.routing.passes_through(plan.channels)
    return whole and untouched and member.render.codec == "wav"


def concerned_by(member: MemberPlan) -> Concerned:
    """The job, for those who tell of a shortage."""
    return Concerned(member.job.id, member.job.recording_id)


def running_of(sessions: Iterable[Session]) -> Running:
    """What writes at the moment, and who is to be told when it gets short."""
    active = [each for each in sessions if each.recording and each.take is not None]
    captures = []
    concerned: list[Concerned] = []
    written = 0
    for session in active:
        take, plans = session.take, [member.plan for member in session.recording_members]
        assert take is not None
        giving_back = take.space.giving_back
        captures.append(load_of(take.plan, take.seconds_left, plans, giving_back=giving_back))
        concerned += [concerned_by(plan) for plan in plans]
        written += _written(take)
    return Running(tuple(captures), (), tuple(concerned), written)


def _written(take: Take) -> int:
    """Bytes of samples in the files of a take, as of the last look."""
    reel = take.reel
    before = reel.timeline.captured(0, reel.timeline.end_before(reel.number))
    return before * take.plan.frame_bytes + (0 if reel.capture is None else reel.capture.bytes)
