"""
When frames are there to be read: a file that is played, or a card that runs on without us.

Both count frames; neither looks at a clock, which is an argument in seconds of one that never
steps.
"""

from __future__ import annotations

from typing import Final, Protocol

import attrs

CLOCKED: Final = "numbered:"
"""How the name of a device begins that runs by the clock; the epoch in seconds follows."""


class Pace(Protocol):
    """
    Hands frames out.

    :ivar next: the number of the frame that is read next.
    """

    next: int

    def early(self, frames: int, now: float) -> float:
        """Say how many seconds it takes until ``frames`` more can be read; not above 0 is now."""

    def overrun(self, now: float) -> int:
        """Let go of the frames that nobody read in time, and say how many those are."""

    def read(self, frames: int) -> None:
        """Take frames."""


@attrs.define
class Played:
    """
    Frames that wait for their reader: none is ever late, and every start begins with frame 0.

    :ivar rate: frames in a second, 0 for as fast as they are read.
    :ivar began: when frame 0 began.
    """

    rate: float
    began: float
    next: int = 0

    def early(self, frames: int, now: float) -> float:
        """Count from the start, so that lateness never adds up."""
        return self.began + (self.next + frames) / self.rate - now if self.rate else 0.0

    def overrun(self, now: float) -> int:  # noqa: ARG002 - such frames do not get lost
        """Lose nothing."""
        return 0

    def read(self, frames: int) -> None:
        """Take frames."""
        self.next += frames


@attrs.define
class Card:
    """
    Frames of a sound card: they come whether or not they are read, and its buffer is finite.

    :ivar rate: frames in a second.
    :ivar epoch: when the frame with the number 0 came; it may be long ago.
    :ivar buffer: frames that wait for their reader; when there are more, all of them are lost.
    """

    rate: int
    epoch: float
    buffer: int
    next: int

    @classmethod
    def opened(cls, rate: int, epoch: float, buffer: int, now: float) -> Card:
        """Open the card: it hands out frames from this moment on."""
        return cls(rate, epoch, buffer, round((now - epoch) * rate))

    def early(self, frames: int, now: float) -> float:
        """Count from the epoch: a frame is there when its number has come."""
        return self.epoch + (self.next + frames) / self.rate - now

    def overrun(self, now: float) -> int:
        """
        Restart after the buffer ran over, as ``arecord`` does.

        :returns: frames between the last one that was read and the next one that can be.
        """
        reached = round((now - self.epoch) * self.rate)
        lost = reached - self.next
        if lost <= self.buffer:
            return 0
        self.next = reached
        return lost

    def read(self, frames: int) -> None:
        """Take frames."""
        self.next += frames


def epoch_of(device: str) -> float | None:
    """Read the epoch in the name of a device that runs by the clock; None for all others."""
    if not device.startswith(CLOCKED):
        return None
    try:
        return float(device.removeprefix(CLOCKED))
    except ValueError:
        return None
