"""One job's part of a take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rakkr.health.event import Severity
from rakkr.jobs.journal import Journal
from rakkr.jobs.workplace import JobEvidence


@attrs.define(eq=False)
class Reader:
    """
    What a job wants of a take, and where it is written down.

    :ivar start: its first frame, on the take's axis.
    :ivar frames: the length of its window.
    """

    journal: Journal
    evidence: JobEvidence
    start: int
    frames: int

    @property
    def end(self) -> int:
        """The first frame behind its window."""
        return self.start + self.frames

    @property
    def channel_map(self) -> dict[str, object] | None:
        """Its channel map, as its events have it."""
        planned = self.journal.remembered.planned
        if planned is None or planned.channel_map is None:
            return None
        return planned.channel_map.details()

    def emit(self, name: str, severity: Severity, details: Mapping[str, Any]) -> None:
        """Report an event of this job."""
        self.evidence.emit(name, severity, details)
