"""Plans between this agent and the journals: what was decided is not decided again."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred

from rakkr.audio.pcm import sample_format
from rakkr.inventory.stable import DeviceIdentity
from rakkr.jobs.journal import Journal
from rakkr.jobs.plan import MemberPlan, SessionPlan, plan_member
from rakkr.jobs.records import Planned
from rakkr.jobs.timeline import Stamp


@attrs.frozen
class Known:
    """
    A take that an earlier agent planned.

    :ivar name: of the take.
    :ivar members: journal, plan and first frame of each job.
    :ivar origin: when the take began, None while nothing was recorded.
    :ivar identity: which card it is.
    """

    name: str
    session: SessionPlan
    members: tuple[tuple[Journal, MemberPlan, int], ...]
    origin: Stamp | None
    identity: DeviceIdentity | None


def planned_again(journals: Sequence[Journal]) -> Known | None:
    """
    Read the plans of jobs that share a take; None when nothing was planned yet.

    What was planned was possible, so this cannot fail.
    """
    planned = [each.remembered.planned for each in journals if each.remembered.planned]
    if not planned:
        return None
    members = tuple(
        (each, _member(each, plan), _start(each, plan))
        for each in journals
        if (plan := each.remembered.planned) is not None
    )
    first = planned[0]
    session = SessionPlan(
        backend=first.backend,
        command=first.command,
        args_template=first.args_template,
        device=first.device,
        format=sample_format(first.format),
        rate=first.rate,
        channels=first.channels,
        seconds=max(plan.seconds for plan in planned),
        stem=first.stem,
        members=tuple(plan for _, plan, _ in members),
        interface_id=first.interface_id,
    )
    return Known(first.take, session, members, _origin(journals), _identity(journals))


def _start(journal: Journal, planned: Planned) -> int:
    """Where the recording begins: for one that was taken over later than its window did."""
    recorded = journal.remembered.recorded
    return planned.start_frame if recorded is None else recorded.start_frame


def _member(journal: Journal, planned: Planned) -> MemberPlan:
    plan = plan_member(journal.remembered.job, planned.channel_map, planned.channels)
    return attrs.evolve(
        plan,
        seconds=planned.seconds,
        file_name=planned.file_name,
        chunk_seconds=planned.chunk_seconds,
    )


def _origin(journals: Sequence[Journal]) -> Stamp | None:
    for journal in journals:
        began = journal.remembered.axis
        if began is not None:
            return Stamp(began.mono, began.wall, began.boot_id)
    return None


def _identity(journals: Sequence[Journal]) -> DeviceIdentity | None:
    for journal in journals:
        known = journal.remembered.device
        if known is not None:
            return DeviceIdentity.from_dict(known.identity)
    return None


def write_plan(
    journal: Journal, session: SessionPlan, plan: MemberPlan, take: str, start_frame: int
) -> Deferred[None]:
    """Write down what was decided for one job, before anything is done about it."""
    return journal.note(
        Planned(
            take=take,
            backend=session.backend,
            command=session.command,
            args_template=session.args_template,
            device=session.device,
            interface_id=session.interface_id,
            format=session.format.name,
            rate=session.rate,
            channels=session.channels,
            start_frame=start_frame,
            seconds=plan.seconds,
            stem=session.stem,
            file_name=plan.file_name,
            channel_map=plan.channel_map,
            chunk_seconds=plan.chunk_seconds,
        )
    )
