"""
True peak in dBTP after ITU-R BS.1770-4, annex 2: the highest point between the samples.

Below 96 kHz the signal is looked at four times as often, below 192 kHz twice.  The interpolating
filter can raise a sample by a known factor at most, so that runs of samples which stay under the
highest point so far by more than that factor need not be looked at; the result is the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SILENCE: Final = -160.0

# The table of annex 2; its third and fourth phases are the second and the first, backwards.
_FIRST: Final = (
    *(0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000),
    *(-0.0594482421875, 0.1373291015625, 0.9721679687500, -0.1022949218750),
    *(0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
)
_SECOND: Final = (
    *(-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250),
    *(-0.1665039062500, 0.4650878906250, 0.7797851562500, -0.2003173828125),
    *(0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
)
_PHASES: Final = np.array([_FIRST, _SECOND, _SECOND[::-1], _FIRST[::-1]])
_TAPS: Final = 12
_RUN: Final = 32
_AT_ONCE: Final = 1024
_TWICE, _ONCE = 96_000, 192_000


class TruePeak:
    """
    Measures a stream of blocks; its memory does not grow.

    The last 31 frames at most wait for those that follow them.
    """

    def __init__(self, rate: int, channels: int) -> None:
        phases = _PHASES if rate < _TWICE else _PHASES[::2] if rate < _ONCE else _PHASES[:0]
        # One product gives a run's points of all phases.
        points = np.zeros((_RUN + _TAPS - 1, len(phases), _RUN), np.float32)
        for at in range(_RUN):
            points[at : at + _TAPS, :, at] = phases.T[::-1]
        self._points = points.reshape(len(points), -1)
        self._most = float(np.abs(phases).sum(axis=1).max(initial=1.0))
        self._before = np.zeros((_TAPS - 1, channels), np.float32)
        self._peaks = np.zeros(channels, np.float32)

    def gap(self) -> None:
        """Keep the peaks; the next block does not follow the last one."""
        self._before = np.zeros((_TAPS - 1, len(self._peaks)), np.float32)

    def restart(self) -> None:
        """Begin a new measurement of the same stream."""
        self._peaks[:] = 0.0

    def peaks(self) -> list[float]:
        """Return each channel's highest point since the beginning, in dBTP."""
        return [
            max(SILENCE, 20.0 * float(np.log10(peak))) if peak > 0.0 else SILENCE
            for peak in self._peaks
        ]

    def block(self, block: Floats) -> None:
        """
        Hear more.

        :param block: (frames, channels), the frames that follow the last ones.
        """
        joined = np.concatenate([self._before, block])
        runs = (len(joined) - _TAPS + 1) // _RUN
        used = runs * _RUN + _TAPS - 1
        self._before = joined[used - _TAPS + 1 :].copy()
        if runs:
            self._look(joined[:used], runs)

    def _look(self, joined: Floats, runs: int) -> None:
        """Raise the peaks to those of whole runs, which the end of the run before them precedes."""
        size = np.abs(joined)
        own = size[_TAPS - 1 :].reshape(runs, _RUN, -1).max(axis=1)
        self._peaks = np.maximum(self._peaks, own.max(axis=0))
        if not self._points.shape[1]:
            return
        before = np.concatenate([size[: _TAPS - 1].max(axis=0, keepdims=True), own[:-1]])
        reach = np.maximum(own, before)
        windows = sliding_window_view(joined, _RUN + _TAPS - 1, axis=0)[::_RUN]
        channels = np.arange(joined.shape[1])
        self._raise(windows, reach.argmax(axis=0), channels)
        run, channel = np.nonzero(reach * self._most > self._peaks)
        for first in range(0, len(run), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            self._raise(windows, run[some], channel[some])

    def _raise(self, windows: Floats, run: NDArray[np.intp], channel: NDArray[np.intp]) -> None:
        points = windows[run, channel] @ self._points
        highest = np.maximum(points.max(axis=1), -points.min(axis=1))
        np.maximum.at(self._peaks, channel, highest)
