"""What every part of the controller writes into: store, time, new ids, health events."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Literal

import attrs

from rakkr.solo.records import Recording
from rakkr.solo.store import Store
from rakkr.stamps import format_stamp


@attrs.frozen
class Ledger:
    """
    The store, wall time in seconds since the epoch, and a source of random bytes.

    Callers hold a transaction of :attr:`store` around what belongs together.
    """

    store: Store
    now: Callable[[], float]
    token_bytes: Callable[[int], bytes]

    def new_uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(bytes=self.token_bytes(16), version=4))

    def new_id(self, prefix: str) -> str:
        """A random id such as ``job_<uuid>``."""
        return f"{prefix}_{self.new_uuid()}"

    def stamp(self) -> str:
        """Now, as it stands on the wire."""
        return format_stamp(self.now())

    def raise_event(
        self,
        kind: str,
        severity: str,
        details: dict[str, Any],
        *,
        node_id: str,
        recording_id: str | None = None,
        opened_at: str | None = None,
        schedule_id: str | None = None,
    ) -> dict[str, Any]:
        """Keep a health event, and let the recording's health follow."""
        event = {
            "id": self.new_uuid(),
            "type": kind,
            "severity": severity,
            "status": "open",
            "details": details,
            "openedAt": opened_at or self.stamp(),
            "nodeId": node_id,
            "acknowledgedAt": None,
            "resolvedAt": None,
            "suppressedAt": None,
            "suppressedUntil": None,
        }
        if recording_id is not None:
            event["recordingId"] = recording_id
        if schedule_id is not None:
            event["scheduleId"] = schedule_id
        self.store.add_event(event)
        recording = self.store.recording(recording_id) if recording_id else None
        if recording is not None:
            self.store.put_recording(attrs.evolve(recording, health_status=self._health(recording)))
        return event

    def _health(self, recording: Recording) -> Literal["critical", "warning", "healthy"]:
        severities = {
            event["severity"]
            for event in self.store.events(recording.id)
            if event["status"] != "resolved"
        }
        if "critical" in severities:
            return "critical"
        return "warning" if "warning" in severities else "healthy"
