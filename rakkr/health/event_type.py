"""A row of the event catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import attrs

from rakkr.health.detail import OneOf, Record
from rakkr.health.event import Severity

NOTHING_TO_CLEAR: Final = "It tells of a moment; there is nothing to clear."
NOTHING_TO_DO: Final = "Nothing."
Carries = Literal["never", "always", "where known"]


@attrs.frozen(kw_only=True)
class EventType:
    """
    What there is to know of a type of events.

    :ivar severities: that it may have.
    :ivar details: its members.
    :ivar recording: whether the event is tied to a recording.
    :ivar recovery: the type of the event that ends it, if one does.
    :ivar means: what happened.
    :ivar clears: when it is over.
    :ivar do: what a person can do about it.
    :ivar not_emitted: why this agent never reports it; the contract has it, so controllers may
        know it.
    """

    type: str
    severities: tuple[Severity, ...]
    details: Record
    recording: Carries = "never"
    recovery: str | None = None
    means: str
    clears: str = NOTHING_TO_CLEAR
    do: str = NOTHING_TO_DO
    not_emitted: str | None = None

    def faults(
        self, severity: str, details: Mapping[str, object], recording_id: str | None
    ) -> Iterator[str]:
        """Say what is wrong with an event of this type, one sentence each."""
        yield from OneOf(self.severities).faults("severity", severity)
        if self.not_emitted is not None:
            yield f"this agent never reports it, by its row: {self.not_emitted}"
        if self.recording == "always" and recording_id is None:
            yield "it is tied to no recording"
        if self.recording == "never" and recording_id is not None:
            yield f"it is tied to a recording: {recording_id!a}"
        yield from self.details.faults("details", details)
