"""
The two clocks of the house.

Timers and durations use an ``IReactorTime`` whose ``seconds()`` is monotonic.  Stamps that leave
the process use wall time, corrected by the controller's measured skew where the controller compares
it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rakkr.stamps import format_stamp


@attrs.define
class WallTime:
    """
    Wall time, and how far the controller's clock is ahead of it.

    :ivar now: returns seconds since the epoch on this machine.
    :ivar skew_seconds: controller time minus local time, or None while it was never measured.
    """

    now: Callable[[], float]
    skew_seconds: float | None = None

    def stamp(self) -> str:
        """Now, on this machine, as a wire time stamp."""
        return format_stamp(self.now())

    def controller_now(self) -> float:
        """Now as the controller would say it, in seconds since the epoch."""
        return self.now() + (self.skew_seconds or 0.0)
