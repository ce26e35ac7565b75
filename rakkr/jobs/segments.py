"""Segments between a take and the journals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from twisted.logger import Logger

from rakkr.audio.captured import CapturedAudio
from rakkr.capture.capture import Capture
from rakkr.capture.conclusion import audio_of
from rakkr.capture.outcome import CaptureOutcome, Completed, StartFailed
from rakkr.capture.trace import BadTrace, Trace
from rakkr.jobs.journal import Journal
from rakkr.jobs.records import (
    AxisBegan,
    DeviceKnown,
    Record,
    SegmentOpened,
    SegmentRunning,
    SegmentSealed,
    SegmentStarted,
)
from rakkr.jobs.segment import Segment
from rakkr.jobs.segment_records import audio_members
from rakkr.jobs.timeline import Stamp
from rakkr.wording import one_line

_log = Logger()


@attrs.frozen(kw_only=True)
class Left:
    """
    A segment as an earlier agent left it.

    :ivar opened: when its program was started.
    :ivar start: when its first sample was captured, if that was settled.
    :ivar sealed: whether it was finished; then ``audio`` and ``error`` say how.
    """

    number: int
    trace: Trace | None
    opened: Stamp
    start: Stamp | None
    sealed: bool
    audio: CapturedAudio | None = None
    error: str | None = None


def early_end(capture: Capture) -> str | None:
    """Why a segment is over, of which more was wanted; None while it runs."""
    outcome = capture.outcome
    if isinstance(outcome, Completed):
        return one_line(f"{capture.command} ended before the window was over")
    return None if outcome is None else one_line(outcome.error)


def sealed_record(
    number: int, outcome: CaptureOutcome, start: Stamp | None, boot_id: str
) -> SegmentSealed:
    """Write down how a segment ended."""
    audio = audio_of(outcome)
    facts: dict[str, Any] = {
        "number": number,
        "path": None,
        "data_offset": 0,
        "format": "",
        "rate": 0,
        "channels": 0,
        "frames": 0,
        "wav": False,
        "started_mono": None if start is None else start.mono,
        "started_wall": None if start is None else start.wall,
        "ended_mono": None,
        "boot_id": boot_id if start is None else start.boot_id,
        "error": None if isinstance(outcome, Completed) else outcome.error,
    }
    if audio is not None:
        facts |= audio_members(audio)
    if not isinstance(outcome, StartFailed):
        facts["dropout_count"] = outcome.dropouts.count
        facts["dropout_milliseconds"] = outcome.dropouts.milliseconds
        if outcome.timing is not None:
            facts["ended_mono"] = outcome.timing.ended_at
            facts["missing_frames"] = outcome.timing.missing_frames
            facts["drift_ppm"] = outcome.timing.drift_ppm
    return SegmentSealed(**facts)


def left_by(journals: Iterable[Journal]) -> list[Left]:
    """
    The segments of a take, in order, from the journals of all its jobs.

    A segment is in the journal of every job that had not left the take; what was written last of it
    may be in one of them only.
    """
    found: dict[int, Segment] = {}
    claims: dict[int, Stamp] = {}
    for journal in journals:
        for number, segment in journal.remembered.segments.items():
            known = found.get(number)
            found[number] = segment if known is None else _fuller(known, segment)
            claims.setdefault(number, _claim(journal))
    return [
        left
        for number in sorted(found)
        if (left := _left(found[number], claims[number])) is not None
    ]


def _fuller(one: Segment, other: Segment) -> Segment:
    def known(segment: Segment) -> tuple[bool, bool, bool]:
        return (segment.sealed is not None, segment.started_mono is not None, segment.running)

    return max(one, other, key=known)


def _trace_of(segment: Segment) -> Trace | None:
    if segment.trace is None:
        return None
    try:
        return Trace.from_json(segment.trace)
    except BadTrace as error:
        if segment.sealed is None:
            _log.error("{path} is left alone: {why}", path=segment.path, why=str(error))
        return None


def _claim(journal: Journal) -> Stamp:
    claimed = journal.remembered.claimed
    return Stamp(claimed.mono, claimed.wall, claimed.boot_id)


def _opened(trace: Trace, claim: Stamp) -> Stamp:
    """When a program was started; its trace says so on the clock of its boot alone."""
    since = trace.spawned_at - claim.mono if trace.boot_id == claim.boot_id else 0.0
    return Stamp(trace.spawned_at, claim.wall + since, trace.boot_id)


def _left(segment: Segment, claim: Stamp) -> Left | None:
    trace, sealed = _trace_of(segment), segment.sealed
    if trace is None and sealed is None:
        return None
    start = None
    if segment.started_mono is not None and segment.started_wall is not None:
        start = Stamp(segment.started_mono, segment.started_wall, segment.started_boot)
    if trace is not None:
        opened = _opened(trace, claim)
    else:
        assert sealed is not None
        opened = start or Stamp(0.0, claim.wall, sealed.boot_id)
    return Left(
        number=segment.number,
        trace=trace,
        opened=opened,
        start=start,
        sealed=sealed is not None,
        audio=None if sealed is None else sealed.audio,
        error=None if sealed is None else sealed.error,
    )


def current_records(take: Any) -> list[Record]:
    """What a job that joins a take must have in its journal of what came before it."""
    records: list[Record] = []
    reel = take.reel
    origin = reel.axis.origin
    if origin is not None:
        records.append(AxisBegan(origin.mono, origin.wall, origin.boot_id))
    if take.device.identity is not None:
        records.append(DeviceKnown(take.device.identity.as_dict()))
    if reel.running:
        trace = reel.capture.trace.as_json()
        records += [SegmentOpened(reel.number, trace), SegmentRunning(reel.number, trace)]
        start = reel.axis.start_of(reel.number)
        if start is not None:
            records.append(SegmentStarted(reel.number, start.mono, start.wall, start.boot_id))
    return records
