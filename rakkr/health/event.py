"""One thing that happened on this node, as it is logged and sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import attrs

Severity = Literal["info", "warning", "critical"]

LONGEST_ID = 160  # the controller refuses longer ones (http-api 5.6)
_NOT_IN_ID = re.compile(r"[^0-9A-Za-z_-]")


def event_id(node_id: str, opened_at: str, serial: str) -> str:
    """
    The event's id: unique, because ``serial`` is, even when the clock stands still.

    :param opened_at: the wire time stamp; its colons and dots become dashes.
    :param serial: a text that no other event of this node has.
    """
    tail = f"_{_NOT_IN_ID.sub('-', opened_at)}-{serial}"
    head = f"node_event_{node_id}"
    return head[: LONGEST_ID - len(tail)] + tail


@attrs.frozen
class HealthEvent:
    """
    An event of the contract's catalogue (health-events.md section 1).

    :ivar opened_at: when it happened, as a wire time stamp.
    :ivar recording_id: the recording that is affected, if one is.
    """

    id: str
    type: str
    severity: Severity
    opened_at: str
    details: Mapping[str, Any]
    recording_id: str | None = None

    def as_wire(self) -> dict[str, Any]:
        """The keys of the controller's strict schema; absent members are left out, never null."""
        wire: dict[str, Any] = {
            "details": {key: self.details[key] for key in sorted(self.details)},
            "id": self.id,
            "openedAt": self.opened_at,
            "severity": self.severity,
        }
        if self.recording_id is not None:
            wire["recordingId"] = self.recording_id
        return wire | {"type": self.type}


def json_line(wire: Mapping[str, Any]) -> bytes:
    """A record of the local log: compact JSON and its newline, in one piece."""
    text = json.dumps(wire, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"
