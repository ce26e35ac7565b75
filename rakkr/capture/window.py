"""The window of a capture: whether it is over, and when to look again."""

from __future__ import annotations

from typing import Final

from rakkr.capture.programs import Launch
from rakkr.capture.request import CaptureLimits, CaptureRequest

LOOK_SECONDS: Final = 1.0
_FIRST_LOOKS_SECONDS: Final = 0.05
_SOONEST_SECONDS: Final = 0.02


def is_over(
    request: CaptureRequest,
    limits: CaptureLimits,
    call: Launch,
    *,
    seconds: float | None,
    frames: int,
) -> bool:
    """
    Say whether a program has to be ended now.

    :param seconds: since the first sample, None before it.
    :param frames: what is in its file.
    """
    if seconds is None:
        return False
    if call.ends_itself:
        return seconds > request.seconds + limits.overrun_seconds
    if call.owner == "agent":
        return frames >= request.planned_frames
    return seconds >= request.seconds


def next_look(request: CaptureRequest, call: Launch, *, started: bool, frames: int) -> float:
    """Say in how many seconds to look at the file again."""
    if not started:
        return _FIRST_LOOKS_SECONDS
    if call.ends_itself:
        return LOOK_SECONDS
    left = (request.planned_frames - frames) / request.rate
    return min(LOOK_SECONDS, max(_SOONEST_SECONDS, left))
