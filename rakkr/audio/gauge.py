"""The instrument that measures a block: all channels at once, in few passes over the samples."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.blocks import Block, Counts, block_frames
from rakkr.audio.quiet import LEAST_SECONDS, QuietFinder
from rakkr.audio.runs import Finder, Flags
from rakkr.audio.stretch import Signs, Stretch, Sums

FULL_SCALE: Final = 0.999
"""From here on a sample is clipped, unless another level is asked for."""

_ENDS: Final = np.array([0, -1])
_ROW: Final = 1024  # elements in a row of a folded block: long enough for the vector units
_FEW: Final = 16  # one zero in as many samples
_MOST_ROWS: Final = 255  # as many ones as a byte can count


class Gauge:
    """
    Measures blocks of one width, in buffers that it uses again; for one thread.

    :param rate: frames in a second.
    :param channels: the width.
    :param clip: the absolute value from which on a sample is clipped.
    """

    def __init__(self, rate: int, channels: int, clip: float = FULL_SCALE) -> None:
        self._channels = channels
        self._quiet = QuietFinder(channels, max(1, round(LEAST_SECONDS * rate)))
        self._frames = min(block_frames(channels), self._quiet.least)
        self._product = np.empty((channels, channels), np.float32)
        self._ones = np.ones((1, self._frames), np.float32)
        self._flags = np.empty((self._frames, channels), np.bool_)
        self._changes = np.zeros((self._frames, channels), np.bool_)  # none in the first frame
        self._finder = Finder(channels, clip)
        self._nothing = np.zeros(channels, np.int64)

    def measure(self, block: Block, bad: Counts | None = None) -> Stretch:
        """
        Measure a block of any length.

        :param bad: the samples in each channel that were no number, and are 0 in the block.
        """
        if not len(block):
            return Stretch.empty(self._channels)
        stretch = self._measured(block[: self._frames])
        for start in range(self._frames, len(block), self._frames):
            stretch = stretch.then(self._measured(block[start : start + self._frames]))
        return stretch if bad is None else attrs.evolve(stretch, bad=bad)

    def _measured(self, block: Block) -> Stretch:
        frames = len(block)
        highest, lowest = _folded(np.maximum, block), _folded(np.minimum, block)
        total = np.matmul(self._ones[:, :frames], block)[0].astype(np.float64)
        peak = np.maximum(highest, -lowest)
        found, clipped = self._finder.find(block, highest, lowest, peak)
        crossings, entered, left = self._crossings(block, highest, lowest)
        return Stretch(
            frames,
            highest,
            lowest,
            total,
            self._products(block, total),
            crossings,
            entered,
            left,
            block[0].copy(),
            block[-1].copy(),
            clipped,
            self._nothing,
            found,
            self._quiet.find(block, peak),
        )

    def _products(self, block: Block, total: Sums) -> Sums:
        """Multiply in 32 bits: half the work, as both operands are the same."""
        products = np.matmul(block.T, block, out=self._product).astype(np.float64)
        mean = total / len(block)
        if (2.0 * mean * total > products.diagonal()).any():  # mostly DC, which hides the rest
            block = block - mean.astype(np.float32)
            products[:] = np.matmul(block.T, block, out=self._product)
            products += np.outer(mean, total)
        return products

    def _crossings(
        self, block: Block, highest: Block, lowest: Block
    ) -> tuple[Counts, Signs, Signs]:
        """Count changes of sign, and tell the signs at both ends."""
        frames = len(block)
        flags, changes = self._flags[:frames], self._changes[:frames]
        np.equal(block, 0.0, out=flags)
        zeros = _Zeros(flags) if flags.any() else None
        np.less(block, 0.0, out=flags)
        if zeros is not None:
            zeros.take_sign_before(flags)
        np.not_equal(flags[1:], flags[:-1], out=changes[1:])
        crossings = _counted(changes)
        entered, left = 1 - 2 * flags.take(_ENDS, axis=0).view(np.int8)
        if zeros is None:
            return crossings, entered, left
        silent = (highest == 0) & (lowest == 0)
        entered[silent] = left[silent] = 0
        for channel in np.flatnonzero(zeros.hard & ~silent):
            column = block[:, channel]
            below = column[column != 0] < 0
            crossings[channel] = np.count_nonzero(below[1:] != below[:-1])
            entered[channel], left[channel] = 1 - 2 * below[0], 1 - 2 * below[-1]
        return crossings, entered, left


class _Zeros:
    """
    Where a block is zero: there it has the sign of the sample before.

    :ivar hard: the channels in which that is not simply the frame before.
    """

    def __init__(self, flags: Flags) -> None:
        channels = flags.shape[1]
        self._channels = channels
        if np.count_nonzero(flags) > flags.size // _FEW:
            self._lone = np.zeros(0, np.intp)
            self.hard = _folded(np.logical_or, flags)
            return
        places = np.flatnonzero(flags)
        before = places - channels
        follows = (before < 0) | flags.reshape(-1)[before]
        self._lone = places[~follows]
        self.hard = np.zeros(channels, np.bool_)
        self.hard[places[follows] % channels] = True

    def take_sign_before(self, negative: Flags) -> None:
        """Correct the flags of single zeros."""
        flat = negative.reshape(-1)
        flat[self._lone] = flat[self._lone - self._channels]


def _folded(ufunc: np.ufunc, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reduce over time with rows of several frames, then over these."""
    frames, channels = block.shape
    fold = max(1, min(_ROW // channels, frames))
    whole = frames - frames % fold
    row = ufunc.reduce(block[:whole].reshape(-1, fold * channels), axis=0)
    result: npt.NDArray[Any] = ufunc.reduce(row.reshape(fold, channels), axis=0)
    if whole < frames:
        ufunc(result, ufunc.reduce(block[whole:], axis=0), out=result)
    return result


def _counted(flags: npt.NDArray[np.bool_]) -> Counts:
    """Count the flags of each channel, in bytes as far as these reach."""
    frames, channels = flags.shape
    fold = max(_ROW // channels, -(-frames // _MOST_ROWS), 1)
    whole = frames - frames % fold
    octets = flags[:whole].view(np.uint8).reshape(-1, fold * channels)
    row = np.add.reduce(octets, axis=0, dtype=np.uint8)
    counts: Counts = np.add.reduce(row.reshape(fold, channels), axis=0, dtype=np.int64)
    if whole < frames:
        counts += np.count_nonzero(flags[whole:], axis=0)
    return counts
