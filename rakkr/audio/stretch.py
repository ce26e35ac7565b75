"""What was measured over a stretch of audio, in a form in which neighbours can be joined."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.blocks import Block, Counts
from rakkr.audio.quiet import Quiet
from rakkr.audio.runs import CLIPPED, STUCK, ZERO, Runs

Sums = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]


@attrs.frozen(eq=False)
class Stretch:
    """
    Sums and extremes of a number of frames; arrays have one element for each channel.

    Everything is exact, but for the rounding of ``total`` and ``products``, so that joining the
    stretches of consecutive blocks gives that of the whole.

    :ivar frames: its length.
    :ivar highest: the highest sample; ``lowest`` the lowest.
    :ivar total: the sum of the samples.
    :ivar products: of shape (channels, channels): sums of products of the samples.
    :ivar crossings: how often the sign changed, zeros skipped.
    :ivar entered: the sign of the first sample that is not zero; ``left`` that of the last one.
    :ivar first: the first sample; ``last`` the last one.
    :ivar clipped: samples at the clip level.
    :ivar bad: samples that were no number.
    :ivar runs: what lasted.
    :ivar quiet: where nothing was heard.
    """

    frames: int
    highest: Block
    lowest: Block
    total: Sums
    products: Sums
    crossings: Counts
    entered: Signs
    left: Signs
    first: Block
    last: Block
    clipped: Counts
    bad: Counts
    runs: Runs
    quiet: Quiet

    @classmethod
    def empty(cls, channels: int) -> Stretch:
        """Return what no frames measure."""
        zeros = np.zeros(channels)
        counts = np.zeros(channels, np.int64)
        level = np.zeros(channels, np.float32)
        square = np.zeros((channels, channels))
        sign = np.zeros(channels, np.int8)
        return cls(
            0,
            np.full(channels, -np.inf, np.float32),
            np.full(channels, np.inf, np.float32),
            zeros,
            square,
            counts,
            sign,
            sign,
            level,
            level,
            counts,
            counts,
            Runs.none(channels),
            Quiet.none(channels),
        )

    def then(self, other: Stretch) -> Stretch:
        """Join with the stretch that follows."""
        if not other.frames:
            return self
        return Stretch(
            self.frames + other.frames,
            np.maximum(self.highest, other.highest),
            np.minimum(self.lowest, other.lowest),
            self.total + other.total,
            self.products + other.products,
            self.crossings + other.crossings + (self.left * other.entered < 0),
            np.where(self.entered, self.entered, other.entered),
            np.where(other.left, other.left, self.left),
            self.first if self.frames else other.first,
            other.last,
            self.clipped + other.clipped,
            self.bad + other.bad,
            self.runs.then(self.frames, self.last, other.runs, other.frames, other.first),
            self.quiet.then(self.frames, other.quiet, other.frames),
        )

    def ending(self) -> Stretch:
        """Return what the next stretch needs to go on from: runs without an end, and signs."""
        runs = attrs.evolve(Runs.none(len(self.last)), tail=self.runs.tail)
        fresh = Stretch.empty(len(self.last))
        return attrs.evolve(fresh, left=self.left, last=self.last, runs=runs)

    @property
    def peak(self) -> Sums:
        """The largest absolute value, 0 to 1."""
        if not self.frames:
            return np.zeros(len(self.total))
        return np.maximum(self.highest, -self.lowest).astype(np.float64)

    @property
    def dc(self) -> Sums:
        """The mean."""
        return self.total / max(self.frames, 1)

    @property
    def deviations(self) -> Sums:
        """Sums of products of deviations from the means, of shape (channels, channels)."""
        return self.products - np.outer(self.total, self.dc)

    @property
    def variance(self) -> Sums:
        """The mean square without the part of the mean."""
        square = self.products.diagonal() / max(self.frames, 1) - self.dc**2
        return np.where(self.highest == self.lowest, 0.0, np.maximum(square, 0.0))

    @property
    def rms(self) -> Sums:
        """The root of the mean square, the mean included."""
        return np.minimum(np.sqrt(self.variance + self.dc**2), self.peak)

    @property
    def crossing_rate(self) -> Sums:
        """Crossings by the places where one could be, 0 to 1."""
        return np.minimum(self.crossings / max(self.frames - 1, 1), 1.0)

    @property
    def clipped_run(self) -> Counts:
        """The longest run of samples at the clip level."""
        return self.runs.longest_of(CLIPPED)

    @property
    def zero_run(self) -> Counts:
        """The longest run of exact zeros that counts."""
        return self.runs.longest_of(ZERO)

    @property
    def zero_tail(self) -> Counts:
        """The run of exact zeros with which it ends."""
        return self.runs.tail_of(ZERO)

    @property
    def stuck_run(self) -> Counts:
        """The longest run of one value that is not zero."""
        return self.runs.longest_of(STUCK)

    @property
    def stuck_tail(self) -> Counts:
        """The run of one value that is not zero with which it ends."""
        return self.runs.tail_of(STUCK)

    @property
    def silent(self) -> Counts:
        """Frames in which nothing was heard for a tenth of a second or longer."""
        return self.quiet.frames(self.frames)
