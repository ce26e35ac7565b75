"""
Loudness in LUFS after ITU-R BS.1770-4 and EBU Tech 3341: of each channel alone, and of the whole.

Momentary loudness is over 400 ms, short-term over 3 s, both stepped by 100 ms; the integrated one
is gated at -70 LUFS and at 10 LU below what is left.  Its blocks are kept as a histogram with steps
of 0.1 LU, in which every block's energy is summed exactly: a day takes the memory of a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from rakkr.audio.k_weighting import KWeighting

Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]

SILENCE: Final = -160.0
"""What is said of digital silence, and the least that is said."""

_STEPS_A_SECOND: Final = 10
_MOMENTARY: Final = 4
_SHORT_TERM: Final = 30
_GATE: Final = -70.0
_RELATIVE: Final = 0.1  # 10 LU as a ratio of energies
_BINS_A_UNIT: Final = 10
_BINS: Final = 90 * _BINS_A_UNIT
_STEREO: Final = 2


@attrs.frozen
class Loudness:
    """
    Readings in LUFS; None where less was heard than the reading needs.

    :ivar momentary: of the last 400 ms.
    :ivar short_term: of the last 3 s.
    :ivar integrated: since the beginning; None as long as all was below -70 LUFS.
    :ivar loudest_momentary: the highest momentary one since the beginning.
    :ivar loudest_short_term: the highest short-term one since the beginning.
    """

    momentary: float | None
    short_term: float | None
    integrated: float | None
    loudest_momentary: float | None
    loudest_short_term: float | None


class LoudnessMeter:
    """Measures a stream of blocks; its memory does not grow."""

    def __init__(self, rate: int, channels: int, weights: Sequence[float] | None = None) -> None:
        """
        Begin a stream.

        :param weights: how much each channel's energy counts for the whole: 1 for left, right and
            centre, 1.41 for surrounds, 0 for the low-frequency channel.  None for what listeners
            of a stereo set hear: two channels are left and right, any other number is mixed to the
            mean on both sides, as live listening mixes.
        """
        self._rate = rate
        self._channels = channels
        both = [1.0, 1.0] if channels == _STEREO else None
        chosen = both if weights is None else list(weights)
        self._weights = None if chosen is None else np.array(chosen)
        self._filter = KWeighting(rate, channels)
        self.restart()

    def restart(self) -> None:
        """Begin the integrated reading and the loudest ones anew; forget what was before."""
        wide = self._channels + 1
        self._counts = np.zeros((wide, _BINS), np.int64)
        self._energies = np.zeros((wide, _BINS))
        self._loudest = np.zeros((2, wide))
        self.gap()

    def gap(self) -> None:
        """Keep what was measured; the next block does not follow the last one."""
        wide = self._channels + 1
        self._filter.forget()
        self._steps = np.zeros((_SHORT_TERM, wide))
        self._known = 0
        self._energy = np.zeros(wide)
        self._frames = 0
        self._passed = 0

    def block(self, block: Floats) -> None:
        """
        Hear more.

        :param block: (frames, channels), the frames that follow the last ones.
        """
        weighted = self._filter.block(block)
        while len(weighted):
            # Where a step ends in the stream, so that steps of 1102.5 frames stay in time.
            end = (self._known + 1) * self._rate // _STEPS_A_SECOND
            part = weighted[: end - self._passed]
            weighted = weighted[len(part) :]
            self._energy += self._energy_of(part)
            self._frames += len(part)
            self._passed += len(part)
            if self._passed == end:
                self._step()

    def readings(self) -> tuple[list[Loudness], Loudness]:
        """Return each channel's loudness, and that of the whole."""
        momentary, short_term = self._mean(_MOMENTARY), self._mean(_SHORT_TERM)
        integrated = self._gated()

        def one(at: int) -> Loudness:
            return Loudness(
                None if momentary is None else _lufs(momentary[at]),
                None if short_term is None else _lufs(short_term[at]),
                _lufs(integrated[at]) if integrated[at] else None,
                _lufs(self._loudest[0, at]) if self._loudest[0, at] else None,
                _lufs(self._loudest[1, at]) if self._loudest[1, at] else None,
            )

        return [one(channel) for channel in range(self._channels)], one(self._channels)

    def _energy_of(self, part: Floats) -> _Doubles:
        """Sum the squares of each channel, and of the whole."""
        alone = np.einsum("fc,fc->c", part, part).astype(np.float64)
        if self._weights is None:
            mean = part.mean(axis=1)
            whole = 2.0 * float(mean @ mean)
        else:
            whole = float(alone @ self._weights)
        return np.append(alone, whole)

    def _step(self) -> None:
        """A tenth of a second is complete, and with it one block of each length."""
        self._steps[self._known % _SHORT_TERM] = self._energy / self._frames
        self._known += 1
        self._energy = np.zeros(self._channels + 1)
        self._frames = 0
        for row, length in enumerate((_MOMENTARY, _SHORT_TERM)):
            mean = self._mean(length)
            if mean is not None:
                self._loudest[row] = np.maximum(self._loudest[row], mean)
        mean = self._mean(_MOMENTARY)
        if mean is not None:
            at = np.flatnonzero(mean > _energy(_GATE))
            units = np.array([_lufs(each) for each in mean[at]]) - _GATE
            bins = np.clip((units * _BINS_A_UNIT).astype(np.int64), 0, _BINS - 1)
            self._counts[at, bins] += 1
            self._energies[at, bins] += mean[at]

    def _mean(self, length: int) -> _Doubles | None:
        if self._known < length:
            return None
        last = np.arange(self._known - length, self._known) % _SHORT_TERM
        mean: _Doubles = self._steps[last].mean(axis=0)
        return mean

    def _gated(self) -> _Doubles:
        """Average the blocks above both gates; 0 where there is none."""
        counts = self._counts.sum(axis=1, keepdims=True)
        gates = self._energies.sum(axis=1, keepdims=True) / np.maximum(counts, 1) * _RELATIVE
        means = self._energies / np.maximum(self._counts, 1)
        inside = (means > gates) & (self._counts > 0)
        left = np.where(inside, self._counts, 0).sum(axis=1)
        energies: _Doubles = np.where(inside, self._energies, 0.0).sum(axis=1) / np.maximum(left, 1)
        return energies


def _lufs(energy: float) -> float:
    return max(SILENCE, -0.691 + 10.0 * float(np.log10(energy))) if energy > 0.0 else SILENCE


def _energy(lufs: float) -> float:
    return float(10.0 ** ((lufs + 0.691) / 10.0))
