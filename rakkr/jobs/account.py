"""The account of a recording: every frame of its window is captured, or declared as missing."""

from __future__ import annotations

from typing import Any

from rakkr.capture.dropouts import Dropouts
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.recording import Recording
from rakkr.jobs.records import Recorded, SegmentSealed
from rakkr.jobs.workplace import JobEvidence


def report_account(evidence: JobEvidence, recording: Recording, plan: MemberPlan) -> None:
    """
    Tell of a recording that is over what it holds, and what it does not.

    One event in any case; one more, a warning, when something is missing; and the contract's
    own when it was put together from more than one segment.
    """
    recorded = recording.ended
    assert recorded is not None
    facts = account_of(recording, recorded, plan)
    evidence.emit("capture_accounted", "info", facts)
    if facts["gaps"] or facts["dropoutCount"] or facts["missingFrames"]:
        device = {"device": recording.take.device.name}
        evidence.emit("capture_incomplete", "warning", {**facts, **device})
    _report_stitching(evidence, recording, recorded)


def account_of(recording: Recording, recorded: Recorded, plan: MemberPlan) -> dict[str, Any]:
    """
    The account as details of an event; lengths are in frames.

    ``dropoutCount`` and ``missingFrames`` are of the segments that the recording was cut from, and
    so may have happened before or behind it.
    """
    start, end = recorded.start_frame, recorded.end_frame
    sealed = sealed_of(recording)
    heard = [
        Dropouts(each.dropout_count, each.dropout_milliseconds) for each in sealed
    ] + running_dropouts(recording)
    drifts = [each.drift_ppm for each in sealed if each.drift_ppm is not None]
    rate = recording.take.plan.rate
    return {
        "capturedFrames": recording.take.reel.timeline.captured(start, end),
        "driftPpm": None if not drifts else round(drifts[-1], 2),
        "dropoutCount": sum(each.count for each in heard),
        "dropoutMilliseconds": round(sum(each.milliseconds for each in heard), 3),
        "endFrame": end,
        "gaps": [
            {"frames": gap.frames, "reason": gap.reason, "startFrame": gap.start_frame - start}
            for gap in recorded.gaps
        ],
        "missingFrames": sum(each.missing_frames for each in sealed),
        "plannedFrames": plan.seconds * rate,
        "rate": rate,
        "reason": recorded.reason,
        "startFrame": start,
    }


def sealed_of(recording: Recording) -> list[SegmentSealed]:
    """The sealed segments that the recording was cut from."""
    files = set(recording.files())
    segments = recording.journal.remembered.segments.values()
    return [each.sealed for each in segments if each.sealed and each.sealed.path in files]


def running_dropouts(recording: Recording) -> list[Dropouts]:
    """What was lost so far in a segment that others still record."""
    reel = recording.take.reel
    if not reel.running or reel.capture is None or reel.capture.path not in recording.files():
        return []
    return [reel.capture.heard[1]]


def _report_stitching(evidence: JobEvidence, recording: Recording, recorded: Recorded) -> None:
    files = recording.files()
    if len(files) <= 1:
        return
    inner = [gap for gap in recorded.gaps if gap.end_frame <= recorded.end_frame]
    rate = recording.take.plan.rate
    evidence.emit(
        "capture_segments_stitched",
        "info",
        {
            "attempts": [each.number for each in sealed_of(recording)],
            "finalCapturePath": str(files[-1]),
            "gapCount": len(inner),
            "gapSeconds": [round(gap.frames / rate, 3) for gap in inner],
            "gaps": [
                {"frames": gap.frames, "startFrame": gap.start_frame - recorded.start_frame}
                for gap in inner
            ],
            "segmentBytes": sum(path.stat().st_size for path in files if path.exists()),
            "segmentCount": len(files),
            "segmentPaths": [str(path) for path in files],
            "stitchedBytes": None,
            "stitchedOutputPath": None,  # put together while it is rendered, not in a file
        },
    )
