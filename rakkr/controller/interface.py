"""What the agent asks of a controller; services are given one, and tests give them another."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

from rakkr.controller.messages import (
    ChannelMapAssignment,
    ClaimedGroup,
    Job,
    Node,
    NodeConfig,
    Receipt,
)
from rakkr.controller.upload import Progress, Upload

# zope's methods have no self, and their arguments are there to be read.
# ruff: noqa: N805


T = TypeVar("T")
Call = Coroutine[Deferred[Any], Any, T]


class IController(Interface):
    """
    One coroutine for each endpoint that an agent uses.

    Each raises :class:`~rakkr.controller.errors.ControllerError` (``Unreachable``, ``Rejected``,
    ``Unauthorised``, ``BadMessage``, ``TokenUnreadable``, and for uploads ``UnsendableFile`` and
    ``WrongReceipt``) and nothing else; cancelling one closes its socket.
    """

    def heartbeat(body: Mapping[str, Any]) -> Call[Node]:
        """Say that the node lives; returns the :class:`Node`."""

    def post_inventory(
        interfaces: Sequence[Mapping[str, Any]],
    ) -> Call[Node]:
        """Report the interfaces of a successful probe; returns the :class:`Node`."""

    def post_meter_frame(frame: Mapping[str, Any]) -> Call[None]:
        """Post measured levels."""

    def post_monitor_chunk(
        wav: bytes, *, duration_ms: int, captured_at: float | None = None, enhanced: bool = False
    ) -> Call[None]:
        """Post live audio."""

    def node_config() -> Call[NodeConfig]:
        """Ask for the live :class:`NodeConfig`."""

    def post_health_event(event: Mapping[str, Any]) -> Call[None]:
        """Post one health event."""

    def channel_map_assignments() -> Call[list[ChannelMapAssignment]]:
        """Ask for the channel maps of this node."""

    def claim_next_group() -> Call[ClaimedGroup | None]:
        """Claim the next jobs; returns a :class:`ClaimedGroup`, or None."""

    def claim_next() -> Call[Job | None]:
        """Claim the next single :class:`Job`, or None."""

    def peek_next() -> Call[Job | None]:
        """Look at the next :class:`Job` without claiming it, or None."""

    def claim(job_id: str) -> Call[Job]:
        """Claim a certain :class:`Job`."""

    def heartbeat_job(job_id: str) -> Call[Job]:
        """Renew a lease; returns the :class:`Job`."""

    def get_job(job_id: str) -> Call[Job]:
        """Ask for a :class:`Job`."""

    def mark_cancelled(job_id: str, reason: str) -> Call[Job]:
        """End a job as cancelled; returns the :class:`Job`."""

    def mark_failed(job_id: str, reason: str) -> Call[Job]:
        """End a job as failed; returns the :class:`Job`."""

    def upload_cache_file(
        recording_id: str, upload: Upload, progress: Progress | None = None
    ) -> Call[Receipt]:
        """Upload a file; returns the :class:`Receipt` of exactly these bytes."""
