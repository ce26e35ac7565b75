"""
The K-weighting of ITU-R BS.1770, for many channels at any rate.

It is a shelf of +4 dB and a high-pass, each a filter of second order.  The standard tabulates them
for 48 kHz; other rates get the same analogue filters (as derived by B. Neunaber and used by
libebur128), which give the table's numbers at 48 kHz.  A recursion over samples would be slow here,
so samples are taken by the run: within a run the output is a matrix product of its input and the
four memories at its start, and so are the memories at its end; many runs' memories likewise.
"""

from __future__ import annotations

from math import pi, tan
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]

_SHELF_HERTZ, _SHELF_DECIBELS, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_PASS_HERTZ, _PASS_Q = 38.13547087602444, 0.5003270373238773
_RUN: Final = 32
_RUNS: Final = 16
_ORDER: Final = 4


def coefficients(rate: int) -> tuple[tuple[_Doubles, _Doubles], tuple[_Doubles, _Doubles]]:
    """Return (b, a) of the shelf and of the high-pass, three numbers each, ``a[0]`` being 1."""
    k = tan(pi * _SHELF_HERTZ / rate)
    high = 10.0 ** (_SHELF_DECIBELS / 20.0)
    band = high**0.4996667741545416
    scale = 1.0 + k / _SHELF_Q + k * k
    shelf_b = [high + band * k / _SHELF_Q + k * k, 2.0 * (k * k - high)]
    shelf_b.append(high - band * k / _SHELF_Q + k * k)
    shelf_a = [scale, 2.0 * (k * k - 1.0), 1.0 - k / _SHELF_Q + k * k]
    k = tan(pi * _PASS_HERTZ / rate)
    scale_pass = 1.0 + k / _PASS_Q + k * k
    pass_a = [scale_pass, 2.0 * (k * k - 1.0), 1.0 - k / _PASS_Q + k * k]
    return (
        (np.array(shelf_b) / scale, np.array(shelf_a) / scale),
        (np.array([1.0, -2.0, 1.0]), np.array(pass_a) / scale_pass),
    )


class KWeighting:
    """Filters a stream of blocks; the results, joined, are those of filtering all at once."""

    def __init__(self, rate: int, channels: int) -> None:
        step, enter, leave, through = _system(rate)
        # Powers of the step, and what an input that is ``n`` samples old adds to the memory.
        powers = [np.eye(_ORDER)]
        for _ in range(_RUN):
            powers.append(step @ powers[-1])
        response = np.array([through, *(leave @ power @ enter for power in powers[: _RUN - 1])])
        lag = np.subtract.outer(np.arange(_RUN), np.arange(_RUN))
        self._direct = np.where(lag >= 0, response[np.abs(lag)], 0.0).astype(np.float32)
        self._recalled = np.array([leave @ power for power in powers[:_RUN]], np.float32)
        self._kept = np.array([power @ enter for power in powers[:_RUN]], np.float32)[::-1].T.copy()
        self._powers = powers
        self._across, self._onward = _runs(powers[_RUN])
        self._memory = np.zeros((_ORDER, channels))

    def forget(self) -> None:
        """Filter what comes next as if silence had been before it."""
        self._memory[:] = 0.0

    def block(self, block: Floats) -> Floats:
        """
        Filter frames.

        :param block: (frames, channels), finite.
        :returns: as many frames.
        """
        frames, channels = block.shape
        out = np.empty((frames, channels), np.float32)
        span = _RUN * _RUNS
        whole = frames // span * span
        for first in range(0, whole, span):
            self._span(block[first : first + span], out[first : first + span])
        for first in range(whole, frames, _RUN):
            self._run(block[first : first + _RUN], out[first : first + _RUN])
        return out

    def _span(self, block: Floats, out: Floats) -> None:
        """Filter :data:`_RUNS` runs."""
        channels = block.shape[1]
        runs = block.reshape(_RUNS, _RUN, channels)
        added = (self._kept @ runs).reshape(_RUNS * _ORDER, channels)
        memories = self._across @ added + self._onward @ self._memory
        before = np.concatenate([self._memory, memories[:-_ORDER]]).astype(np.float32)
        result = self._direct @ runs
        result += self._recalled @ before.reshape(_RUNS, _ORDER, channels)
        out[:] = result.reshape(-1, channels)
        self._memory = memories[-_ORDER:]

    def _run(self, block: Floats, out: Floats) -> None:
        """Filter up to :data:`_RUN` frames."""
        frames = len(block)
        out[:] = self._direct[:frames, :frames] @ block
        out += self._recalled[:frames] @ self._memory.astype(np.float32)
        self._memory = self._powers[frames] @ self._memory
        self._memory += self._kept[:, _RUN - frames :] @ block


def _system(rate: int) -> tuple[_Doubles, _Doubles, _Doubles, float]:
    """Write both filters, one after the other, as step, input, output and feed-through."""
    (first_b, first_a), (second_b, second_a) = coefficients(rate)
    first, second = ((np.array([[-a[1], 1.0], [-a[2], 0.0]])) for a in (first_a, second_a))
    first_in, second_in = (
        b[1:] - a[1:] * b[0] for b, a in ((first_b, first_a), (second_b, second_a))
    )
    step = np.zeros((_ORDER, _ORDER))
    step[:2, :2], step[2:, 2:] = first, second
    step[2:, 0] = second_in
    enter = np.concatenate([first_in, second_in * first_b[0]])
    leave = np.array([second_b[0], 0.0, 1.0, 0.0])
    return step, enter, leave, float(first_b[0] * second_b[0])


def _runs(step: _Doubles) -> tuple[_Doubles, _Doubles]:
    """
    Say how the memories after each of :data:`_RUNS` runs come about.

    :returns: what to multiply with that which each run adds, and with the memory before all.
    """
    powers = [np.eye(_ORDER)]
    for _ in range(_RUNS):
        powers.append(step @ powers[-1])
    none = np.zeros((_ORDER, _ORDER))
    across = np.block(
        [
            [powers[after - run] if run <= after else none for run in range(_RUNS)]
            for after in range(_RUNS)
        ]
    )
    return across, np.concatenate(powers[1:])
