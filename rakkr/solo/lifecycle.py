"""
How a recording job lives: claims, leases, stops, ends.  Values in, values out, time is an argument.

A lease and a stop window are used up in the very moment that they name: at
``lease_expires_at`` the job is failed, and at ``stop_requested_at`` plus the window it is
cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs

LEASE_SECONDS = 30.0
STOP_WINDOW_SECONDS = 30.0

Status = Literal["queued", "running", "stop_requested", "cancelled", "completed", "failed"]
Ending = Literal["failed", "cancelled"]

ACTIVE: frozenset[str] = frozenset({"queued", "running", "stop_requested"})
TERMINAL: frozenset[str] = frozenset({"cancelled", "completed", "failed"})
GIVEN_UP: frozenset[str] = frozenset({"cancelled", "failed"})

STOP_REASON = "controller_stop_requested"
LEASE_EXPIRED = "lease_expired"
STOP_EXPIRED = "stop_request_lease_expired"
DEFAULT_REASONS: Mapping[str, str] = {"failed": "agent_failed", "cancelled": "agent_cancelled"}

SECURED_CHUNKS: frozenset[str] = frozenset({"cached", "uploading", "uploaded", "partial"})
SECURED_RECORDINGS: frozenset[str] = frozenset({"cached", "uploaded", "partial"})


@attrs.frozen(kw_only=True)
class Job:
    """
    One attempt at one recording.

    All moments are seconds since the epoch on the controller's clock.

    :ivar sequence: the order in which jobs were made; it settles equal ``created_at``.
    """

    id: str
    node_id: str
    recording_id: str
    status: Status
    created_at: float
    command: Mapping[str, Any] = attrs.field(factory=dict)
    sequence: int = 0
    claimed_by: str | None = None
    started_at: float | None = None
    last_heartbeat_at: float | None = None
    lease_expires_at: float | None = None
    stop_requested_at: float | None = None
    completed_at: float | None = None
    failure_reason: str | None = None

    @property
    def group(self) -> str | None:
        """The capture group that it belongs to."""
        named = self.command.get("captureGroupId")
        return named if isinstance(named, str) else None

    @property
    def active(self) -> bool:
        """Whether it can still end well."""
        return self.status in ACTIVE


def claim(job: Job, node_id: str, now: float) -> Job | None:
    """Give a queued job to a node; None when it is not that node's, or not queued any more."""
    if job.status != "queued" or job.node_id != node_id:
        return None
    return attrs.evolve(
        job,
        status="running",
        claimed_by=node_id,
        started_at=now,
        last_heartbeat_at=now,
        lease_expires_at=now + LEASE_SECONDS,
    )


def heartbeat(job: Job, node_id: str, now: float) -> Job | None:
    """Renew the lease of a running job; None when this node does not run it."""
    if job.status != "running" or job.claimed_by != node_id:
        return None
    return attrs.evolve(job, last_heartbeat_at=now, lease_expires_at=now + LEASE_SECONDS)


def stop(job: Job, now: float) -> Job | None:
    """Ask a job to end; None when it already does, or has."""
    if job.status not in {"queued", "running"}:
        return None
    return attrs.evolve(job, status="stop_requested", stop_requested_at=now)


def expire(job: Job, now: float) -> Job | None:
    """What became of a job whose time is used up; None while it has some left."""
    lease = job.lease_expires_at
    if job.status == "running" and lease is not None and now >= lease:
        return _ended(job, "failed", LEASE_EXPIRED, now)
    asked = job.stop_requested_at
    if job.status == "stop_requested" and asked is not None and now >= asked + STOP_WINDOW_SECONDS:
        return _ended(job, "cancelled", STOP_EXPIRED, now)
    return None


def complete(job: Job, now: float) -> Job | None:
    """An upload secured the audio; None when the job has already ended."""
    return attrs.evolve(job, status="completed", completed_at=now) if job.active else None


def end(job: Job, ending: Ending, reason: str | None, now: float) -> Job | None:
    """
    What a job is after the agent reported its end.

    :returns: the same job when it had already ended so; None when it had ended otherwise, which
        the agent is told as "not found".
    """
    if job.status == ending:
        return job
    if not job.active:
        return None
    return _ended(job, ending, reason or DEFAULT_REASONS[ending], now)


def _ended(job: Job, ending: Ending, reason: str, now: float) -> Job:
    return attrs.evolve(job, status=ending, completed_at=now, failure_reason=reason)


def _place_in_queue(job: Job) -> tuple[float, int, int]:
    track = job.command.get("trackIndex") if job.command.get("trackGroupId") else None
    return (job.created_at, track if isinstance(track, int) else 0, job.sequence)


def queue(jobs: Iterable[Job], node_id: str) -> list[Job]:
    """The jobs that this node may claim, in the order in which they are handed out."""
    waiting = [job for job in jobs if job.status == "queued" and job.node_id == node_id]
    return sorted(waiting, key=_place_in_queue)


def next_group(jobs: Iterable[Job], node_id: str) -> list[Job]:
    """The head of the queue, and what waits in the same capture group."""
    waiting = queue(jobs, node_id)
    if not waiting:
        return []
    head = waiting[0]
    if head.group is None:
        return [head]
    return [job for job in waiting if job.group == head.group]


def recording_after_end(ending: Ending, status: str, chunks: Sequence[str]) -> str:
    """
    The status of a recording whose job ended without its file.

    :param status: what the recording was.
    :param chunks: the status of each of its chunks.
    """
    if status in SECURED_RECORDINGS:
        return status
    if ending == "cancelled":
        return "completed"
    return "partial" if any(chunk in SECURED_CHUNKS for chunk in chunks) else "failed"


@attrs.frozen
class Alarm:
    """The health event that an ending deserves."""

    type: str
    severity: Literal["warning", "critical"]


def alarm_for(ending: Ending, reason: str | None) -> Alarm | None:
    """The event for an ending; None for a cancellation that an operator asked for."""
    if ending == "failed":
        return Alarm("controller.recording.job_failed", "critical")
    if reason == STOP_REASON:
        return None
    return Alarm("controller.recording.job_cancelled", "warning")
