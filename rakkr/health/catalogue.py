"""
The event catalogue: every type of event that this agent knows, as data.

The rows are in ``rakkr/health/rows``, one module for each area; ``docs/events.md`` is made from
them.  A new type needs a row there, or the tests fail that report it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rakkr.health.event_type import EventType
from rakkr.health.rows import (
    cache,
    capture,
    delivery,
    disk,
    evidence,
    jobs,
    meters,
    node,
    sound,
    system,
)

GROUPS: Final[Mapping[str, tuple[EventType, ...]]] = {
    module.TITLE: module.ROWS
    for module in (
        node,
        system,
        meters,
        sound,
        jobs,
        capture,
        disk,
        delivery,
        cache,
        evidence,
    )
}
"""The rows, under the headings of the page."""

CATALOGUE: Final[Mapping[str, EventType]] = {
    row.type: row for rows in GROUPS.values() for row in rows
}
"""The rows by type."""


def faults(
    type_: str, severity: str, details: Mapping[str, Any], recording_id: str | None
) -> list[str]:
    """
    Judge an event by the catalogue.

    :returns: what is wrong with it, one sentence each; nothing where all is right.
    """
    row = CATALOGUE.get(type_)
    if row is None:
        return [f"{type_!a} is no type of the catalogue"]
    return list(row.faults(severity, details, recording_id))


def wire_faults(event: Mapping[str, Any]) -> list[str]:
    """Judge an event as it is logged and sent; see :meth:`HealthEvent.as_wire`."""
    return faults(
        str(event.get("type")),
        str(event.get("severity")),
        event.get("details", {}),
        event.get("recordingId"),
    )


def ended_by(type_: str) -> tuple[str, ...]:
    """Find the types whose events are over with an event of this one."""
    return tuple(row.type for row in CATALOGUE.values() if row.recovery == type_)
