"""What the controller keeps beside jobs, and how all of it stands on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rakkr.solo.lifecycle import Job
from rakkr.stamps import format_stamp


@attrs.frozen(kw_only=True)
class StoredFile:
    """A file that was taken in; ``cache_path`` is relative to the folder of recordings."""

    cache_path: str
    checksum: str
    size: int
    file_name: str
    mime_type: str
    duration_seconds: int

    def wire(self) -> dict[str, Any]:
        """As it stands in an answer."""
        return {
            "cachePath": self.cache_path,
            "checksum": self.checksum,
            "durationSeconds": self.duration_seconds,
            "fileName": self.file_name,
            "mimeType": self.mime_type,
            "size": self.size,
        }


@attrs.frozen(kw_only=True)
class Recording:
    """
    One recording, whatever number of jobs it took.

    :ivar files: by ``primary`` and ``raw``.
    :ivar enhanced: whether the primary file is an enhanced rendition.
    """

    id: str
    node_id: str
    name: str
    status: str
    created_at: float
    duration_seconds: int = 0
    cached: bool = False
    health_status: str = "healthy"
    enhanced: bool = False
    files: Mapping[str, StoredFile] = attrs.field(factory=dict)

    def wire(self) -> dict[str, Any]:
        """As it stands in an answer."""
        primary, raw = self.files.get("primary"), self.files.get("raw")
        playable = primary or raw
        optional = {
            "cachePath": playable and playable.cache_path,
            "checksum": playable and playable.checksum,
            "rawCachePath": raw and raw.cache_path,
            "enhancedCachePath": primary.cache_path if primary and self.enhanced else None,
        }
        return {
            "id": self.id,
            "nodeId": self.node_id,
            "name": self.name,
            "source": "ad_hoc",
            "status": self.status,
            "createdAt": format_stamp(self.created_at),
            "recordedAt": format_stamp(self.created_at),
            "durationSeconds": self.duration_seconds,
            "cached": self.cached,
            "healthStatus": self.health_status,
            "files": {name: file.wire() for name, file in self.files.items()},
            **_present(optional),
        }


@attrs.frozen(kw_only=True)
class Chunk:
    """
    One piece of a recording.

    :ivar index: from 1; the wire counts from 0.
    :ivar files: by ``primary`` and ``raw``.
    """

    id: str
    recording_id: str
    index: int
    status: str
    job_id: str
    offset_seconds: int = 0
    duration_seconds: int = 0
    total: int | None = None
    files: Mapping[str, StoredFile] = attrs.field(factory=dict)

    def wire(self) -> dict[str, Any]:
        """As it stands in an answer."""
        primary, raw = self.files.get("primary"), self.files.get("raw")
        optional = {
            "cachePath": primary and primary.cache_path,
            "checksum": primary and primary.checksum,
            "rawCachePath": raw and raw.cache_path,
            "chunkTotal": self.total,
        }
        return {
            "id": self.id,
            "recordingId": self.recording_id,
            "index": self.index,
            "status": self.status,
            "jobId": self.job_id,
            "offsetSeconds": self.offset_seconds,
            "durationSeconds": self.duration_seconds,
            **_present(optional),
        }


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _stamp(moment: float | None) -> str | None:
    return None if moment is None else format_stamp(moment)


def job_wire(job: Job) -> dict[str, Any]:
    """A job as it stands in an answer; what it does not have is left out."""
    optional = {
        "claimedBy": job.claimed_by,
        "startedAt": _stamp(job.started_at),
        "lastHeartbeatAt": _stamp(job.last_heartbeat_at),
        "leaseExpiresAt": _stamp(job.lease_expires_at),
        "stopRequestedAt": _stamp(job.stop_requested_at),
        "completedAt": _stamp(job.completed_at),
        "failureReason": job.failure_reason,
    }
    return {
        "id": job.id,
        "nodeId": job.node_id,
        "recordingId": job.recording_id,
        "status": job.status,
        "createdAt": format_stamp(job.created_at),
        "command": dict(job.command),
        **_present(optional),
    }
