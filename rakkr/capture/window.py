"""The window of a capture: whether it is over, when to look again, and how long the leash is."""

from __future__ import annotations

from typing import Final

import attrs

from rakkr.capture.progress import SETTLING_SECONDS
from rakkr.capture.route import Launch

LOOK_SECONDS: Final = 1.0
LEASH_SECONDS: Final = 10.0
"""How long after its window a program is ended when no agent is there to do it."""
_ENDLESS_SECONDS: Final = 86400.0
_FIRST_LOOKS_SECONDS: Final = 0.02
_SETTLING_LOOKS_SECONDS: Final = 0.1
_SOONEST_SECONDS: Final = 0.02


@attrs.frozen(kw_only=True)
class Window:
    """
    How much of a capture is needed.

    :ivar call: the program, which may know the length of its window itself.
    :ivar rate: frames in a second.
    :ivar planned: frames of the window that the program was called for.
    :ivar wanted: frames at which it is to be ended; None when only somebody's stop ends it.
    :ivar overrun_seconds: how much longer than it should a program may run that ends itself.
    """

    call: Launch
    rate: int
    planned: int
    wanted: int | None
    overrun_seconds: float

    def is_over(self, *, seconds: float | None, frames: int) -> bool:
        """
        Say whether the program has to be ended now.

        One that ends itself is left to do so, unless less is wanted than it was called for.  Where
        the program makes the file the clock counts, because its samples may not be readable.

        :param seconds: since the first sample, None before it.
        :param frames: what is in its file.
        """
        if seconds is None:
            return False
        if self.call.ends_itself:
            if seconds > self.planned / self.rate + self.overrun_seconds:
                return True
            if self.wanted is None or self.wanted >= self.planned:
                return False
        return self.wanted is not None and self._left(self.wanted, seconds, frames) <= 0.0

    def next_look(self, *, seconds: float | None, frames: int) -> float:
        """Say in how many seconds to look at the file again; as for :meth:`is_over`."""
        if seconds is None:
            return _FIRST_LOOKS_SECONDS
        pause = _SETTLING_LOOKS_SECONDS if seconds < SETTLING_SECONDS else LOOK_SECONDS
        if self.wanted is None or (self.call.ends_itself and self.wanted >= self.planned):
            return pause
        return min(pause, max(_SOONEST_SECONDS, self._left(self.wanted, seconds, frames)))

    def leash(self, now: float, *, seconds: float | None, frames: int) -> float:
        """Say until when the program may run if nobody looks after it any more."""
        if self.call.ends_itself:
            left = self._left(self.planned, seconds, frames) + self.overrun_seconds
        elif self.wanted is None:
            return now + _ENDLESS_SECONDS
        else:
            left = self._left(self.wanted, seconds, frames)
        return now + max(0.0, left) + LEASH_SECONDS

    def _left(self, target: int, seconds: float | None, frames: int) -> float:
        if self.call.owner == "agent":
            return (target - frames) / self.rate
        return target / self.rate - (seconds or 0.0)
