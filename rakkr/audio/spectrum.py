"""Short spectra of a stream, a few of which are summed up at a time."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.blocks import Block, Counts

Powers = npt.NDArray[np.float32]

WINDOWS: Final = 3
"""Windows in a slice."""

_BIN_HERTZ: Final = 46.875
_FEWEST: Final = 256
_BINS: Final = 16  # in a band
_HIGHEST_HERTZ: Final = 24_000.0  # above it is no sound, even where the rate would reach
_LOWEST_BIN: Final = 2  # below lie DC, and what the window makes of it
_HIGH_HERTZ: Final = 450.0
_TOP: Final = 0.75  # of the whole band: above it is the top
# The 5th smallest of 16 bins of noise, as part of their mean, by the number of windows; likewise
# the geometric mean.  Both were measured on a million values of white noise.
_RANK: Final = 4
_RANK_PART: Final = (0.383, 0.557, 0.640)
_NOISE_FLATNESS: Final = (0.608, 0.790, 0.857)
_CREST_OF_CLICKS: Final = 100.0  # peak square by mean square: 20 dB
_FLAT_CLICK: Final = 0.3
_NOTHING: Final = 1e-20  # -200 dB: far below what 24 bits can say


@attrs.frozen(eq=False)
class Slice:
    """
    What some windows had in common; powers are mean squares, in bands of equal width.

    :ivar windows: how many windows.
    :ivar power: of shape (channels, bands).
    :ivar low: likewise: what the power would be if all of it were like the quiet bins of the band.
    :ivar least: likewise: the power in the quietest of the windows.
    :ivar flatness: 1 where bands are as flat as noise, towards 0 for tones; of shape (channels,).
    :ivar high: the power above 450 Hz.
    :ivar top: which part of the power is in the top quarter of what the rate can carry.
    :ivar clicks: in how many windows there was a click and little else.
    """

    windows: int
    power: Powers
    low: Powers
    least: Powers
    flatness: Powers
    high: Powers
    top: Powers
    clicks: Counts


class Spectrum:
    """
    Takes windows of a stream and gives out slices.

    :ivar length: frames in a window, about 20 ms.
    :ivar edges: the frequencies between the bands, in Hz.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self.length = max(_FEWEST, 1 << round(np.log2(rate / _BIN_HERTZ)))
        hertz = rate / self.length
        used = min(self.length // 2, int(_HIGHEST_HERTZ / hertz))
        self._bands = used // _BINS
        self.edges = np.arange(self._bands + 1) * (_BINS * hertz)
        self._high, self._top = int(_HIGH_HERTZ / hertz) + 1, int(_TOP * self.length / 2)
        window = np.hanning(self.length + 1)[:-1]
        # With this, the squares of a one-sided spectrum add up to the mean square.
        self._unscaled = self.length * (window**2).sum() / 2
        self._window = (window / np.sqrt(self._unscaled)).astype(np.float32)
        self._windowed = np.empty((channels, self.length), np.float32)
        self._squares = np.zeros((channels, self.length + 2), np.float32)
        self._ones = np.ones(self.length + 2, np.float32)
        self._least = np.full((channels, self._bands), np.inf, np.float32)
        self._clicks = np.zeros(channels, np.int64)
        self._windows = 0

    def window(self, block: Block) -> None:
        """Take in one window: of shape (channels, length)."""
        np.multiply(block, self._window, out=self._windowed)
        parts = np.fft.rfft(self._windowed, axis=1).view(np.float32)
        np.multiply(parts, parts, out=parts)
        parts[:, : 2 * _LOWEST_BIN] = 0.0
        self._squares += parts
        bands = parts[:, : self._bands * 2 * _BINS].reshape(len(parts), self._bands, -1)
        np.minimum(self._least, bands @ self._ones[: 2 * _BINS], out=self._least)
        self._windows += 1
        peak = np.maximum(self._windowed.max(axis=1), -self._windowed.min(axis=1))
        crest = peak**2 * self._unscaled / (parts @ self._ones + _NOTHING)
        for channel in np.flatnonzero(crest > _CREST_OF_CLICKS):
            power = parts[channel, 0::2] + parts[channel, 1::2]
            bands = _banded(power[None, :], self._bands).mean(axis=2) + _NOTHING
            flatness = np.exp(np.log(bands).mean()) / bands.mean()
            self._clicks[channel] += flatness > _FLAT_CLICK

    @property
    def complete(self) -> bool:
        """Whether a slice is."""
        return self._windows == WINDOWS

    @property
    def begun(self) -> bool:
        """Whether there is anything to cut."""
        return self._windows > 0

    def peek(self) -> Slice:
        """Sum up the windows since the last slice, at least one; nothing changes."""
        count = self._windows
        power = self._squares[:, 0::2] + self._squares[:, 1::2]
        power /= count
        whole = power.sum(axis=1) + _NOTHING
        banded = _banded(power, self._bands)
        bands = banded.sum(axis=2)
        low = np.partition(banded, _RANK, axis=2)[:, :, _RANK] * (_BINS / _RANK_PART[count - 1])
        geometric = np.exp(np.log(banded[:, 1:] + _NOTHING).mean(axis=2)) * _BINS
        weight = bands[:, 1:].sum(axis=1) + _NOTHING
        flatness = geometric.sum(axis=1) / weight / _NOISE_FLATNESS[count - 1]
        return Slice(
            count,
            bands,
            low,
            self._least.copy(),
            np.minimum(flatness, 1.0),
            power[:, self._high :].sum(axis=1),
            power[:, self._top :].sum(axis=1) / whole,
            self._clicks.copy(),
        )

    def cut(self) -> Slice:
        """Sum up like :meth:`peek`, and begin a new slice."""
        result = self.peek()
        self._squares[:] = 0.0
        self._least[:] = np.inf
        self._clicks[:] = 0
        self._windows = 0
        return result


def _banded(power: Powers, bands: int) -> Powers:
    return power[:, : bands * _BINS].reshape(len(power), bands, _BINS)
