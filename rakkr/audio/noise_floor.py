"""The noise floor: what is there even when nobody speaks."""

from __future__ import annotations

from typing import Final

import numpy as np

from rakkr.audio.spectrum import Powers, Slice

SLICES: Final = 7
"""How far back the floor looks; a slice is about 0.6 s long."""

# The least of n values of noise is too low, by about these powers of n (measured on white noise).
_LEAST_SLICE: Final = 0.2
_LEAST_WINDOW: Final = 0.24


class NoiseFloor:
    """
    Minimum statistics: in each band, the least that was there during the last few seconds.

    Of two estimates the lower one counts.  One takes the quiet bins of a band, and finds noise
    beside tones that never pause; the other takes the quietest window, and finds it between words.

    R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", IEEE Trans. Speech and Audio Processing 9 (2001), in a plain form.
    """

    def __init__(self) -> None:
        self._slices: list[Slice] = []

    def follow(self, found: Slice) -> Powers:
        """Take in a slice, and return the floor in it: of shape (channels, bands)."""
        floor = self.peek(found)
        self._slices = [*self._slices[-SLICES + 1 :], found]
        return floor

    def peek(self, found: Slice) -> Powers:
        """Return what :meth:`follow` would, and change nothing."""
        slices = [*self._slices[-SLICES + 1 :], found]
        windows = sum(each.windows for each in slices)
        low = np.minimum.reduce([each.low for each in slices])
        least = np.minimum.reduce([each.least for each in slices])
        low *= np.float32(len(slices) ** _LEAST_SLICE)
        least *= np.float32(windows**_LEAST_WINDOW)
        floor: Powers = np.minimum(low, least)
        return floor
