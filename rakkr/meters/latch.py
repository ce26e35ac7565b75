"""A condition that counts only after it has lasted."""

from __future__ import annotations

import attrs

from rakkr.meters.limits import Limits


@attrs.frozen
class Latch:
    """
    Whether an alarm is on, and how long frames have been saying otherwise.

    :ivar seconds: of audio, without a frame between them that agrees.
    """

    on: bool = False
    seconds: float = 0.0

    def see(self, present: bool | None, seconds: float, limits: Limits) -> Latch:
        """
        Take one frame into account.

        It flips with the frame whose end is closest to the time that it needs, because a frame is
        now a little longer and now a little shorter than its period: three frames of about five
        seconds are fifteen.

        :param present: whether the frame shows the condition; None when it cannot tell.
        :param seconds: of audio in the frame.
        """
        if present is None:
            return self
        if present == self.on:
            return Latch(self.on)
        needed = limits.clear_seconds if self.on else limits.set_seconds
        disagreed = self.seconds + seconds
        if disagreed + min(seconds / 2, needed / 6) >= needed:
            return Latch(not self.on)
        return Latch(self.on, disagreed)
