"""
Whether the disk lasts until the recordings are over, and what is given up for them when not.

A capture is never ended to make room: the ladder only takes away what else writes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import attrs

from rakkr.disk.need import Need

SHED_SECONDS: Final = 3600.0
DELAY_SECONDS: Final = 1800.0
LAST_SECONDS: Final = 600.0
"""With so little left or less, somebody has to be called."""
CALM_SECONDS: Final = 120.0
"""So much more room than a rung needs has to be there before it is left on the way back."""


class Rung(IntEnum):
    """
    How short the disk is; each rung does what those before it do.

    ``FINE``: it lasts until every window is over.  ``SWEEP``: it does not, so what the controller
    has is deleted.  ``SHED``: what need not be written should not be; nothing asks
    yet.  ``DELAY_RENDERS``: only captures
    write.  ``LAST_MINUTES``: the alarm.
    """

    FINE = 0
    SWEEP = 1
    SHED = 2
    DELAY_RENDERS = 3
    LAST_MINUTES = 4


@attrs.frozen
class Forecast:
    """
    What becomes of the disk.

    :ivar seconds_left: until it is full at the rate of all captures together; None when none runs.
    :ivar enough: whether it lasts until all captures are over and everything is rendered.
    """

    seconds_left: float | None
    enough: bool
    rung: Rung


def forecast(free_bytes: int, need: Need, previous: Rung = Rung.FINE) -> Forecast:
    """
    Look ahead.

    It gets worse at once, and better only when there is room to spare, so that a disk at a limit
    does not go back and forth.  With no capture running nothing is given up.

    :param previous: the rung of the look before.
    """
    rate = need.bytes_per_second
    rung = _rung(free_bytes, need)
    if rung < previous:
        rung = min(previous, _rung(free_bytes - round(CALM_SECONDS * rate), need))
    seconds_left = max(0, free_bytes) / rate if rate > 0 else None
    return Forecast(seconds_left, free_bytes >= need.total, rung)


def _rung(free_bytes: int, need: Need) -> Rung:
    """
    The rung of a moment.

    While there is room for the captures themselves, what is rendered may take what it needs: it is
    delivered, and then makes room.  When there is not, time decides.
    """
    if need.bytes_per_second <= 0 or free_bytes >= need.total:
        return Rung.FINE
    if free_bytes >= need.capture_bytes:
        return Rung.SWEEP
    seconds = free_bytes / need.bytes_per_second
    seconds_after_renders = (free_bytes - need.render_bytes) / need.bytes_per_second
    if seconds <= LAST_SECONDS:
        return Rung.LAST_MINUTES
    if seconds <= DELAY_SECONDS or seconds_after_renders <= LAST_SECONDS:
        return Rung.DELAY_RENDERS
    return Rung.SHED if seconds <= SHED_SECONDS else Rung.SWEEP
