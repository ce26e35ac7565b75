"""Evidence that is only noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from rakkr.health.catalogue import faults
from rakkr.health.edge import Emitter
from rakkr.health.event import Severity

SUMMARY: Mapping[str, Any] = {
    "alias": "a",
    "audioBackends": ["alsa"],
    "hostname": "h",
    "interfaceCount": 1,
    "lastSeenAt": "1970-01-01T00:00:00.000Z",
    "nodeId": "node_local_dev",
    "status": "online",
}
"""What the events of heartbeats and inventories say of the node."""


class Noted:
    """
    Takes events and keeps them as (type, severity, details, recording id).

    One that is not as the catalogue has it fails the test, even where whoever reported it expects
    every exception: it is logged as a failure, too.
    """

    log = Logger()

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any], str | None]] = []

    def emit(
        self,
        type_: str,
        severity: Severity,
        details: Mapping[str, Any],
        recording_id: str | None = None,
    ) -> None:
        """
        Keep the event.

        :raises AssertionError: when the catalogue has no such event.
        """
        self.events.append((type_, severity, details, recording_id))
        wrong = faults(type_, severity, details, recording_id)
        if wrong:
            error = AssertionError(f"{type_}: {'; '.join(wrong)}")
            self.log.failure("no such event", Failure(error))
            raise error

    def types(self) -> list[str]:
        """The types, in order."""
        return [event[0] for event in self.events]

    def details(self, type_: str) -> Mapping[str, Any]:
        """The details of the only event of a type."""
        (found,) = [event[2] for event in self.events if event[0] == type_]
        return found


_check: type[Emitter] = Noted
