"""When a capture counts as failed, from the settings."""

from __future__ import annotations

from rakkr.capture.request import CaptureLimits
from rakkr.settings import Settings


def limits_of(settings: Settings) -> CaptureLimits:
    """Take the limits of captures out of the settings."""
    return CaptureLimits(
        min_output_bytes=settings.capture_min_output_bytes,
        growth_grace_seconds=settings.capture_growth_grace_seconds,
        stalled_seconds=settings.capture_stalled_seconds,
        stop_grace_seconds=settings.capture_stop_grace_seconds,
    )
