"""For how long nothing was heard: stretches in which no sample is above a very low level."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from rakkr.audio.blocks import Block, Counts

QUIET: Final = 0.001
"""-60 dBFS: no sample of a silent channel is above it."""
LEAST_SECONDS: Final = 0.1
"""What is shorter is a pause and no silence."""

_SOON: Final = 64  # frames in which most channels have a sample that can be heard


@attrs.frozen(eq=False)
class Quiet:
    """
    The quiet of a stretch; arrays have one element for each channel, in frames.

    :ivar least: what is shorter does not count.
    :ivar head: the quiet with which the stretch begins, of any length; ``tail`` with which it ends.
    :ivar closed: all quiet that counts and touches neither end.
    """

    least: int
    head: Counts
    tail: Counts
    closed: Counts

    @classmethod
    def none(cls, channels: int) -> Quiet:
        """Return what an empty stretch has."""
        nothing = np.zeros(channels, np.int64)
        return cls(0, nothing, nothing, nothing)

    def then(self, frames: int, other: Quiet, other_frames: int) -> Quiet:
        """Join with the quiet of the stretch that follows."""
        across = self.tail + other.head
        closed = self.closed + other.closed
        all_here, all_there = self.head == frames, other.head == other_frames
        if not (all_here.any() or all_there.any()):
            if across.max() >= other.least:
                closed += self._counting(across, other.least)
            return Quiet(other.least, self.head, other.tail, closed)
        closed += np.where(all_here | all_there, 0, self._counting(across, other.least))
        head = np.where(all_here, across, self.head)
        tail = np.where(all_there, self.tail + other_frames, other.tail)
        return Quiet(other.least, head, tail, closed)

    def frames(self, frames: int) -> Counts:
        """Count all quiet of a stretch that is ``frames`` long."""
        at_ends = self._counting(self.head, self.least) + self._counting(self.tail, self.least)
        return np.where(
            self.head == frames, self._counting(self.head, self.least), self.closed + at_ends
        )

    @staticmethod
    def _counting(lengths: Counts, least: int) -> Counts:
        return np.where(lengths >= least, lengths, 0)


class QuietFinder:
    """
    Finds the quiet of blocks that are no longer than ``least``.

    :ivar least: what is shorter does not count.
    """

    def __init__(self, channels: int, least: int) -> None:
        self.least = least
        self._both = np.empty((2, _SOON, channels), np.float32)
        self._none = np.zeros(channels, np.int64)

    def find(self, block: Block, peak: Block) -> Quiet:
        """
        Find the quiet of a block.

        :param peak: the largest absolute value of each channel.
        """
        both = self._both[:, : len(block)]
        both[0] = block[:_SOON]
        both[1] = block[: -_SOON - 1 : -1]
        loud = np.abs(both, out=both) > QUIET
        ends: Counts = loud.argmax(axis=1)
        unknown = ~loud.any(axis=1)
        if unknown.any():
            silent = peak <= QUIET
            ends[:, silent] = len(block)
            for end, channel in np.argwhere(unknown & ~silent):
                column = np.abs(block[:, channel])[:: -1 if end else 1]
                ends[end, channel] = np.argmax(column > QUIET)
        return Quiet(self.least, ends[0], ends[1], self._none)
