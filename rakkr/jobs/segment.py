"""One segment of a take, as its records say that it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from rakkr.jobs import segment_records as r


@attrs.frozen
class Segment:
    """
    One run of the capture program, as far as the journal knows it.

    :ivar trace: the newest one, for the capture room.
    :ivar running: whether a program was started for it.
    :ivar heard_offset: up to which byte the program's messages were counted.
    :ivar sealed: None while it may still grow.
    """

    number: int
    trace: Mapping[str, Any] | None = None
    running: bool = False
    started_mono: float | None = None
    started_wall: float | None = None
    started_boot: str = ""
    heard_offset: int = 0
    dropout_count: int = 0
    dropout_milliseconds: float = 0.0
    sealed: r.SegmentSealed | None = None

    @property
    def path(self) -> Path | None:
        """Its file; before it is sealed, the one that its trace names, if it does."""
        if self.sealed is not None:
            return self.sealed.path
        named = None if self.trace is None else self.trace.get("path")
        return Path(named) if isinstance(named, str) else None


def grown(segment: Segment, record: r.OfSegment) -> Segment:
    """Take one more record into account."""
    match record:
        case r.SegmentOpened():
            return attrs.evolve(segment, trace=record.trace)
        case r.SegmentRunning():
            return attrs.evolve(segment, trace=record.trace, running=True)
        case r.SegmentStarted():
            return attrs.evolve(
                segment,
                started_mono=record.mono,
                started_wall=record.wall,
                started_boot=record.boot_id,
            )
        case r.Heard():
            return attrs.evolve(
                segment,
                heard_offset=record.offset,
                dropout_count=record.dropout_count,
                dropout_milliseconds=record.dropout_milliseconds,
            )
        case r.SegmentSealed():
            return attrs.evolve(
                segment,
                sealed=record,
                started_mono=_either(record.started_mono, segment.started_mono),
                started_wall=_either(record.started_wall, segment.started_wall),
                started_boot=segment.started_boot or record.boot_id,
                dropout_count=record.dropout_count,
                dropout_milliseconds=record.dropout_milliseconds,
            )


def _either(newer: float | None, older: float | None) -> float | None:
    return older if newer is None else newer
