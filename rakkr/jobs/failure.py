"""A recording of which nothing is usable: which event says so."""

from __future__ import annotations

from typing import Any

from rakkr.capture.outcome import Completed, Stalled, StartFailed
from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.recording import Recording
from rakkr.jobs.workplace import JobEvidence


def report_failure(evidence: JobEvidence, recording: Recording, plan: MemberPlan) -> str:
    """
    Report why a take gave nothing.

    :returns: the reason in one line, for the controller.
    """
    take = recording.take
    outcome, capture = take.outcome, take.reel.capture
    error = take.error or take.reel.lost
    if not error and outcome is not None and not isinstance(outcome, Completed):
        error = outcome.error
    error = error or "nothing was recorded before the end"
    facts = failure_facts(recording, plan, error)
    if isinstance(outcome, StartFailed) and capture is not None:
        evidence.emit("capture_start_failed", "critical", {**facts, "command": capture.command})
    elif not isinstance(outcome, Stalled):  # a stall was reported when it was found
        evidence.emit("capture_failed", "critical", facts)
    return error


def failure_facts(recording: Recording, plan: MemberPlan, error: str) -> dict[str, Any]:
    """What the events of a failed capture say."""
    take = recording.take
    capture = take.reel.capture
    facts: dict[str, Any] = {
        "channelMap": plan.channel_map and plan.channel_map.details(),
        "device": take.device.name,
        "error": error,
        "outputPath": None if capture is None else str(capture.path),
    }
    if plan.chunk_seconds is not None:
        facts["chunkSeconds"] = plan.chunk_seconds
        facts["uploadedChunkCount"] = len(recording.journal.remembered.receipts)
    return facts
