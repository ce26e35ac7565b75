"""A record of the log as the controller takes it."""

from __future__ import annotations

import json
from typing import Any, Final

from rakkr.controller.sanitise import clean
from rakkr.health.event import LONGEST_ID

_TEXTS: Final = ("id", "openedAt", "recordingId", "scheduleId")
REFERENCES: Final = ("recordingId", "scheduleId")
_SEVERITIES: Final = ("info", "warning", "critical")


def deliverable(line: bytes) -> dict[str, Any] | None:
    """
    Take from a record what the controller's strict schema has.

    :returns: None for what is no event: a line that was cut off, or is somebody else's.
    """
    try:
        return _picked(json.loads(line))
    except (ValueError, RecursionError):  # also of an event that is nested without end
        return None


def _picked(found: Any) -> dict[str, Any] | None:
    if not isinstance(found, dict) or found.get("severity") not in _SEVERITIES:
        return None
    type_ = found.get("type")
    if not isinstance(type_, str) or not type_.strip():
        return None
    details = found.get("details")
    wire: dict[str, Any] = {
        "details": details if isinstance(details, dict) else {},
        "severity": found["severity"],
        "type": type_,
    }
    for name in _TEXTS:
        if isinstance(found.get(name), str) and found[name].strip():
            wire[name] = found[name]
    if len(wire.get("id", "")) > LONGEST_ID:
        wire["id"] = wire["id"][-LONGEST_ID:]  # its end is what makes it unique
    cleaned: dict[str, Any] = clean(wire, nulls=True)
    return cleaned


def id_of(wire: dict[str, Any]) -> str:
    """The event's id, empty if it has none."""
    return str(wire.get("id", ""))
