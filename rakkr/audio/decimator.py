"""The low end of the spectrum at a low rate: about a thousandth of a second for each sample."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rakkr.audio.blocks import Block

PORTION: Final = 20
"""Frames of the low rate are made as many at a time."""

_HIGHEST: Final = 1400.0  # samples in a second; half of it is above the sixth harmonic of 60 Hz
_LAST: Final = 3  # the second stage keeps one sample of as many
_TAPS: Final = 36
_EDGE: Final = 0.155  # of the rate of the first stage: between what is kept and what would alias


class Decimator:
    """
    Keeps what lies below some 400 Hz of a stream, in two stages.

    The first weights frames by a triangle over two groups (a power of two of them each), which is
    one cheap product, and lets through of a tone near a multiple of its rate, where it would be
    taken for hum, about -68 dB; the second is a windowed sinc.

    :ivar factor: frames of the stream for one that is kept.
    :ivar rate: of what is kept.
    :param portions: how much is taken at once, in units of ``PORTION``.
    """

    def __init__(self, rate: int, channels: int, portions: int) -> None:
        self._group = 1
        while rate / (_LAST * self._group) > _HIGHEST:
            self._group *= 2
        self.factor = _LAST * self._group
        self.rate = rate / self.factor
        self._rest = np.zeros((self._group, channels), np.float32)
        self._resting = 0
        falling = np.arange(self._group, dtype=np.float32)[::-1] / self._group
        self._slopes = np.stack([1 - falling, falling]) / self._group
        self._risen = np.zeros(channels, np.float32)
        self._sloped = np.zeros((0, 2, channels), np.float32)
        self._history = self._filled = _TAPS - _LAST
        self._sums = np.zeros((self._history + _LAST * PORTION * portions, channels), np.float32)
        step, frame = _LAST * PORTION * self._sums.strides[0], self._sums.strides
        self._portions = as_strided(
            self._sums, (portions, _TAPS + _LAST * (PORTION - 1), channels), (step, *frame)
        )
        self._filter = _filter()

    def block(self, block: Block) -> None:
        """Take in frames; no more than :meth:`take` gives out again."""
        if self._resting:
            missing = min(self._group - self._resting, len(block))
            self._rest[self._resting : self._resting + missing] = block[:missing]
            self._resting += missing
            block = block[missing:]
            if self._resting < self._group:
                return
            self._add(self._rest)
            self._resting = 0
        whole = len(block) - len(block) % self._group
        if whole:
            self._add(block[:whole])
        self._resting = len(block) - whole
        self._rest[: self._resting] = block[whole:]

    def _add(self, block: Block) -> None:
        count = len(block) // self._group
        if count > len(self._sloped):
            self._sloped = np.empty((count, *self._sloped.shape[1:]), np.float32)
        sloped = self._sloped[:count]
        np.matmul(self._slopes, block.reshape(count, self._group, -1), out=sloped)
        sums = self._sums[self._filled : self._filled + count]
        self._filled += count
        np.add(sloped[0, 1], self._risen, out=sums[0])
        np.add(sloped[:-1, 0], sloped[1:, 1], out=sums[1:])
        self._risen[:] = sloped[-1, 0]

    def take(self) -> Block:
        """Give out all portions, when as much has come in: of shape (frames, channels)."""
        low: Block = np.matmul(self._filter, self._portions)
        self._sums[: self._history] = self._sums[len(self._sums) - self._history :]
        self._filled = self._history
        return low.reshape(-1, low.shape[2])


def _filter() -> Block:
    """Lay the second stage out as a matrix that makes a portion at once."""
    place = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = 2 * _EDGE * np.sinc(2 * _EDGE * place) * np.hamming(_TAPS)
    matrix = np.zeros((PORTION, _TAPS + _LAST * (PORTION - 1)), np.float32)
    for row in range(PORTION):
        matrix[row, _LAST * row : _LAST * row + _TAPS] = taps / taps.sum()
    return matrix
