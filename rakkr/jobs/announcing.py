"""What is told of a job when its recording begins."""

from __future__ import annotations

from rakkr.jobs.plan import MemberPlan
from rakkr.jobs.workplace import JobEvidence


def announce(evidence: JobEvidence, member: MemberPlan) -> None:
    """Report the channel map, and what this agent cannot do of what was asked for."""
    if member.channel_map is not None:
        details = {
            **member.channel_map.details(),
            "configuredCaptureChannels": member.job.command.capture_channels,
        }
        evidence.emit("channel_map_applied", "info", details)
    if _wants_enhancement(member):
        why = "this agent does not enhance yet; the plain recording is delivered"
        evidence.emit("enhancement_failed", "warning", {"error": why})


def _wants_enhancement(member: MemberPlan) -> bool:
    wished = member.job.command.enhancement
    return wished is not None and any(
        stage.enabled
        for stage in (
            wished.denoise,
            wished.highpass,
            wished.lowpass,
            wished.deesser,
            wished.compressor,
            wished.loudnorm,
            wished.gate,
        )
    )
