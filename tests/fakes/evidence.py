"""Evidence that is only noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rakkr.health.edge import Emitter
from rakkr.health.event import Severity


class Noted:
    """Takes events and keeps them as (type, severity, details, recording id)."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any], str | None]] = []

    def emit(
        self,
        type_: str,
        severity: Severity,
        details: Mapping[str, Any],
        recording_id: str | None = None,
    ) -> None:
        """Keep the event."""
        self.events.append((type_, severity, details, recording_id))

    def types(self) -> list[str]:
        """The types, in order."""
        return [event[0] for event in self.events]

    def details(self, type_: str) -> Mapping[str, Any]:
        """The details of the only event of a type."""
        (found,) = [event[2] for event in self.events if event[0] == type_]
        return found


_check: type[Emitter] = Noted
