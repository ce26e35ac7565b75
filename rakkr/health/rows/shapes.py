"""What the details of many events have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rakkr.health.detail import (
    SWITCH,
    TEXT,
    WHOLE,
    Each,
    Kind,
    OrNull,
    Record,
    details,
)
from rakkr.health.event import Severity
from rakkr.health.event_type import NOTHING_TO_CLEAR, NOTHING_TO_DO, Carries, EventType

INFO: Final[tuple[Severity, ...]] = ("info",)
WARNING: Final[tuple[Severity, ...]] = ("warning",)
CRITICAL: Final[tuple[Severity, ...]] = ("critical",)
EITHER: Final[tuple[Severity, ...]] = ("warning", "critical")

CHANNEL_MAP: Final = Record(
    details(
        assignmentId=OrNull(TEXT),
        captureChannels=WHOLE,
        channelMode=TEXT,
        entryCount=WHOLE,
        targetId=OrNull(TEXT),
        targetType=OrNull(TEXT),
        templateId=OrNull(TEXT),
        templateName=OrNull(TEXT),
    )
)

SWEPT: Final = details(
    deleted=WHOLE,
    errors=WHOLE,
    items=Each(
        Record(
            details(
                errors=Each(TEXT), policyId=OrNull(TEXT), reason=TEXT, recordingId=TEXT, status=TEXT
            )
        )
    ),
    scanned=WHOLE,
)

COUNTED: Final = details(failureCount=WHOLE)
"""What a recovery says of the failures that it ends."""

OUTPUT: Final = details(outputBitrateKbps=OrNull(WHOLE), outputCodec=TEXT, outputVbr=SWITCH)


def node_event(
    type_: str,
    severities: Sequence[Severity],
    always: Mapping[str, Kind],
    sometimes: Mapping[str, Kind] | None = None,
    *,
    means: str,
    clears: str = NOTHING_TO_CLEAR,
    do: str = NOTHING_TO_DO,
    recovery: str | None = None,
    not_emitted: str | None = None,
    recording: Carries = "never",
) -> EventType:
    """A row for an event of the node; types are given without ``agent.``."""
    return EventType(
        type=f"agent.{type_}",
        severities=tuple(severities),
        details=Record(always, sometimes or {}),
        recording=recording,
        recovery=None if recovery is None else f"agent.{recovery}",
        means=means,
        clears=clears,
        do=do,
        not_emitted=not_emitted,
    )


def job_event(
    name: str,
    severities: Sequence[Severity],
    always: Mapping[str, Kind],
    sometimes: Mapping[str, Kind] | None = None,
    *,
    means: str,
    clears: str = NOTHING_TO_CLEAR,
    do: str = NOTHING_TO_DO,
    recovery: str | None = None,
    not_emitted: str | None = None,
) -> EventType:
    """A row for an event of a job; types are given without ``agent.recording_job.``."""
    return node_event(
        f"recording_job.{name}",
        severities,
        {"jobId": TEXT, "recordingId": TEXT, **always},
        sometimes,
        means=means,
        clears=clears,
        do=do,
        recovery=None if recovery is None else f"recording_job.{recovery}",
        not_emitted=not_emitted,
        recording="always",
    )
