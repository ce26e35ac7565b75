"""Whether a job can be recorded from a capture that runs already."""

from __future__ import annotations

from collections.abc import Sequence

from rakkr.controller.messages import ChannelMapAssignment, Job
from rakkr.jobs.journal import Journal
from rakkr.jobs.maps import map_of
from rakkr.jobs.plan import (
    ImpossibleJob,
    MemberPlan,
    SessionPlan,
    capture_facts,
    checked_format,
    plan_member,
    width_of,
)
from rakkr.settings import Settings


def plan_late(
    job: Job,
    running: SessionPlan,
    settings: Settings,
    node_id: str,
    assignments: Sequence[ChannelMapAssignment] = (),
) -> MemberPlan:
    """
    Plan a job for a capture that runs already.

    :raises ImpossibleJob: when the capture does not give what the job asks for.
    """
    asked = {
        "format": (checked_format(job).name, running.format.name),
        "sample rate": (job.command.capture_sample_rate, running.rate),
    }
    applied = map_of(job, node_id, assignments)
    width = width_of(job, applied)
    for name, (wanted, given) in asked.items():
        if wanted != given:
            raise ImpossibleJob(
                f"{running.device} is being captured with {name} {given}, and this job asks for"
                f" {wanted}; give it the same, or start it when the other recording is over"
            )
    if width > running.channels:
        raise ImpossibleJob(
            f"{running.device} is being captured with {running.channels} channels, and this job"
            f" needs {width}; start it when the other recording is over"
        )
    return plan_member(job, applied, running.channels, settings.capture_chunk_seconds)


def same_device(job: Job, running: SessionPlan, settings: Settings) -> bool:
    """Whether a job is for the device that is being captured."""
    backend = job.command.capture_backend or settings.capture_backend
    return (backend, job.command.capture_device) == (running.backend, running.device)


def same_capture(one: Job, other: Job) -> bool:
    """Whether one capture can serve both, as far as their commands tell."""
    return capture_facts(one) == capture_facts(other)


def by_capture(journals: Sequence[Journal]) -> list[list[Journal]]:
    """Put the jobs together that one capture can serve, in their order."""
    groups: dict[tuple[object, ...], list[Journal]] = {}
    for journal in journals:
        facts = tuple(capture_facts(journal.remembered.job).values())
        groups.setdefault(facts, []).append(journal)
    return list(groups.values())
