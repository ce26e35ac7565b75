"""The leases of a session's jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from rakkr.controller.errors import ControllerError
from rakkr.controller.messages import ChannelMapAssignment, Job
from rakkr.jobs.decisions import Standing, Wish
from rakkr.jobs.journal import Journal
from rakkr.jobs.lease import Lease, Rhythm
from rakkr.jobs.workplace import Devices, JobEvidence, Workplace

_FRESH_SECONDS = 10.0


def hold_lease(place: Workplace, journal: Journal) -> Lease:
    """Hold a job from now on; one that was claimed a while ago says so at once."""
    return hold_job(place, journal.remembered.job, at_once=_is_old(place, journal))


def hold_job(place: Workplace, job: Job, *, at_once: bool) -> Lease:
    """Hold a job from now on, which need not have a journal."""
    settings, random = place.live.current, place.random
    rhythm = Rhythm(settings.job_heartbeat_seconds, lambda: 2 * random(), settings.job_poll_seconds)
    evidence = JobEvidence(place.evidence, job)
    lease = Lease(place.clock, place.controller, job, rhythm, evidence.emit)
    lease.hold(at_once=at_once)
    return lease


def _is_old(place: Workplace, journal: Journal) -> bool:
    """Whether a job was not claimed just now, but by an earlier agent."""
    claimed, now = journal.remembered.claimed, place.stamp()
    return claimed.boot_id != now.boot_id or now.mono - claimed.mono > _FRESH_SECONDS


class Leases:
    """Every job of a session, held from its claim to its end."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._leases: dict[str, Lease] = {}

    def hold(self, journal: Journal) -> None:
        """Hold a job."""
        self._leases[journal.job_id] = hold_lease(self._place, journal)

    def of(self, job_id: str) -> Lease:
        """The lease of a job."""
        return self._leases[job_id]

    def release(self) -> list[Deferred[Any]]:
        """Hold none of them any more; each fires when no call is under way."""
        return [lease.release() for lease in self._leases.values()]

    def drop(self, journal: Journal) -> Deferred[None]:
        """Hold one of them no more; fires when no call is under way."""
        return self._leases.pop(journal.job_id).release()

    async def given_up(self, journal: Journal) -> Standing | None:
        """
        What the controller says of a job of an earlier agent that nobody waits for any more.

        :returns: None for a job that is to be recorded, or of which something was recorded.
        """
        known = journal.remembered
        begun = known.segments or known.mark or known.recorded or known.is_over
        if begun or not _is_old(self._place, journal):
            return None
        try:
            standing = await self._leases[journal.job_id].look()
        except ControllerError:
            return None  # it is recorded: who knows
        return None if standing.wish is Wish.RECORD else standing


async def assignments_for(
    place: Workplace, journals: Sequence[Journal]
) -> list[ChannelMapAssignment]:
    """The channel maps that an operator assigned, if a job came without one."""
    jobs = [journal.remembered.job for journal in journals]
    unmapped = [job for job in jobs if job.command.channel_map is None]
    if not unmapped:
        return []
    try:
        found = await place.controller.channel_map_assignments()
        return [_with_devices(each, unmapped, place.devices) for each in found]
    except ControllerError as error:
        for job in unmapped:
            JobEvidence(place.evidence, job).emit(
                "channel_map_lookup_failed", "warning", {"error": str(error)}
            )
        return []


def _with_devices(
    each: ChannelMapAssignment, jobs: Sequence[Job], devices: Devices
) -> ChannelMapAssignment:
    """Add the devices of jobs that the assigned interface is, under whatever id."""
    target = each.assignment
    if target.target_type != "interface":
        return each
    names = [
        job.command.capture_device
        for job in jobs
        if devices.is_device(
            target.target_id, job.command.capture_interface_id, job.command.capture_device
        )
    ]
    return attrs.evolve(each, devices=tuple(dict.fromkeys(names)))
