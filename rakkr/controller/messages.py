"""What the controller says, in our own names; :mod:`rakkr.controller.decode` reads it."""

from __future__ import annotations

from typing import Any

import attrs
from attrs.validators import ge, optional

from rakkr.controller.commands import (
    Backend,
    CacheRetention,
    ChannelMap,
    ChannelMapEntry,
    Codec,
    Command,
    Compressor,
    Deesser,
    Denoise,
    Enhancement,
    Gate,
    Loudnorm,
    Pass,
)

__all__ = [
    "Assignment",
    "AudioDefaults",
    "Backend",
    "CacheRetention",
    "ChannelMap",
    "ChannelMapAssignment",
    "ChannelMapEntry",
    "ChannelMapTemplate",
    "ClaimedGroup",
    "Codec",
    "Command",
    "Compressor",
    "Deesser",
    "Denoise",
    "Enhancement",
    "Gate",
    "Interface",
    "Job",
    "Loudnorm",
    "MonitorEnhancement",
    "Node",
    "NodeConfig",
    "Pass",
    "Receipt",
    "UndecodableJob",
]


@attrs.frozen(kw_only=True)
class Interface:
    """
    An audio interface as the controller knows it.

    :ivar id: the controller's own id of it, which its jobs and meters are keyed by.
    :ivar absent: whether the last inventory did not hold it.
    """

    id: str
    backend: str = "unknown"
    channel_count: int = 0
    system_name: str = ""
    system_ref: str | None = None
    alias: str | None = None
    absent: bool = False


@attrs.frozen(kw_only=True)
class Node:
    """
    This node as the controller knows it.

    :ivar problems: a sentence for each interface that could not be read and was left out.
    """

    id: str
    status: str
    interfaces: tuple[Interface, ...] = ()
    problems: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class AudioDefaults:
    """What an operator set for this node; what is None was not set."""

    capture_args_template: str | None = None
    capture_backend: Backend | None = None
    capture_channels: int | None = attrs.field(default=None, validator=optional(ge(1)))
    capture_command: str | None = None
    capture_device: str | None = None
    capture_format: str | None = None
    capture_sample_rate: int | None = attrs.field(default=None, validator=optional(ge(1)))
    meter_args_template: str | None = None


@attrs.frozen(kw_only=True)
class MonitorEnhancement:
    """Whether a listener wants enhanced audio now, and by which engine."""

    engine: str | None = None
    requested: bool = False


@attrs.frozen(kw_only=True)
class NodeConfig:
    """
    The live configuration of this node.

    :ivar policies_complete: whether every cache policy could be read.
    :ivar max_concurrent_recordings: how many recordings the operator allows at once.
    :ivar problems: a sentence for each setting that could not be read and was left out.
    """

    audio_defaults: AudioDefaults = AudioDefaults()
    recorder_cache_policies: tuple[CacheRetention, ...] = ()
    policies_complete: bool = True
    max_concurrent_recordings: int | None = None
    monitor_enhancement: MonitorEnhancement = MonitorEnhancement()
    problems: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Job:
    """
    One recording job.

    :ivar status: ``queued``, ``running``, ``stop_requested``, ``cancelled``, ``completed``,
        ``failed``, or a word that a later controller invented.
    :ivar lease_expires_at: a moment of the controller's clock, as on the wire; so are the others.
    """

    id: str
    node_id: str
    recording_id: str
    status: str
    command: Command
    claimed_by: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    last_heartbeat_at: str | None = None
    lease_expires_at: str | None = None
    stop_requested_at: str | None = None
    completed_at: str | None = None
    failure_reason: str | None = None


@attrs.frozen
class UndecodableJob:
    """
    A job that was claimed and cannot be understood.

    :ivar id: its id where at least that could be read, so that it can be failed.
    :ivar recording_id: likewise its recording's.
    :ivar reason: one sentence that names the member.
    """

    id: str | None
    recording_id: str | None
    reason: str


@attrs.frozen
class ClaimedGroup:
    """Jobs that were claimed together, in the order of the queue."""

    jobs: tuple[Job, ...]
    undecodable: tuple[UndecodableJob, ...] = ()


@attrs.frozen(kw_only=True)
class Assignment:
    """A channel map template given to a node or to one of its interfaces."""

    id: str
    target_id: str
    target_type: str
    template_id: str | None = None
    assigned_at: str | None = None


@attrs.frozen(kw_only=True)
class ChannelMapTemplate:
    """A named channel map."""

    id: str
    name: str = ""
    channel_mode: str
    entries: tuple[ChannelMapEntry, ...] = ()
    revision: int | None = None
    tags: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ChannelMapAssignment:
    """
    An assignment with its template.

    :ivar devices: what jobs call the target, where the agent knows that; not on the wire.
    """

    assignment: Assignment
    template: ChannelMapTemplate
    devices: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Receipt:
    """
    What the controller stored of an upload.

    :ivar checksum: ``sha256:<hex>`` of it.
    :ivar size: its bytes.
    :ivar raw: the whole ``data`` of the answer.
    """

    checksum: str
    size: int = attrs.field(validator=ge(0))
    file_name: str | None = None
    duration_seconds: float | None = None
    raw: dict[str, Any] = attrs.field(factory=dict)
