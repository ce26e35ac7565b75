"""
The frames of a capture against the clock.

A sound card has a clock of its own, which is off by some tens of ppm; that is its drift.  Samples
that never reached the file make the frames fall behind the clock all at once.
"""

from __future__ import annotations

from typing import Final

import attrs

_SHORTEST_SECONDS: Final = 60.0
_FEWEST_LOOKS: Final = 10
_SLACK_SECONDS: Final = 0.5
# What the quartz of a cheap sound card may be off; more than that is no drift.
_WORST_DRIFT: Final = 100e-6


@attrs.frozen
class Timing:
    """
    When a capture was made, in seconds of the monotonic clock of its boot.

    :ivar started_at: its first sample.
    :ivar ended_at: its last one.
    :ivar drift_ppm: how much faster than the clock the device ran, in millionths; None when that
        was not watched for long enough.
    :ivar missing_frames: frames that the clock says there should be and that are not, reported by
        the program or not; 0 for fewer than can be told from drift and the time of a look.
    """

    started_at: float
    ended_at: float
    drift_ppm: float | None = None
    missing_frames: int = 0


class Pace:
    """
    The slope of frames over time, by least squares.

    Sums are kept around their means, so a day of looks costs no precision.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: tuple[float, int] | None = None
        self._looks = 0
        self._longest = 0.0
        self._time = self._frames = 0.0  # means
        self._spread = self._common = 0.0  # sums of squares and of products around them

    def fed(self, now: float, frames: int) -> None:
        """Take a look into account: so many frames were there at that moment."""
        if self._first is None:
            self._first = now, frames
        time, count = now - self._first[0], frames - self._first[1]
        self._looks += 1
        before = time - self._time
        self._time += before / self._looks
        self._frames += (count - self._frames) / self._looks
        self._spread += before * (time - self._time)
        self._common += before * (count - self._frames)
        self._longest = max(self._longest, time)

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than its nominal rate the device ran; None before that can be said."""
        if self._longest < _SHORTEST_SECONDS or self._looks < _FEWEST_LOOKS:
            return None
        return (self._common / self._spread / self._rate - 1.0) * 1e6


def missing_frames(seconds: float, frames: int, rate: int) -> int:
    """
    Count what dropouts cost, whether they were reported or not.

    :param seconds: from the first sample to the last.
    :param frames: how many there are.
    :returns: 0 unless more is missing than half a second and the worst drift of a sound card.
    """
    missing = round(seconds * rate) - frames
    return missing if missing > rate * (_SLACK_SECONDS + seconds * _WORST_DRIFT) else 0
