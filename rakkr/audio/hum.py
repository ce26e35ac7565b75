"""Mains hum: steady lines at 50 or 60 Hz and their harmonics, and nowhere else."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from rakkr.audio.blocks import Block
from rakkr.audio.shapes import Values, in_decibels, up

TICKS: Final = 20
"""How many ticks of low-rate samples are looked at, at once."""

_MAINS: Final = (50.0, 60.0)
_HARMONICS: Final = 6
_TOLERANCE: Final = 0.01  # of the frequency: more than mains wander, less than a note is away
_LOWEST_HERTZ: Final = 15.0
_LOBE: Final = 2.0  # half the width of the main lobe of a Hann window, by its length
_AROUND_HERTZ: Final = 8.0  # how wide the surroundings are, on either side
_BELIEVED: Final = 10.0  # times the power of what bears them out
_PROMINENT: Final = (8.0, 16.0)  # dB above them
_SHARE: Final = (-20.0, -5.0)  # dB of all that is heard
_STEADY: Final = (0.3, 0.7)  # the lowest level by the middle one
_PIECE: Final = 2  # ticks in which a level is taken
_MANY_PIECES: Final = 6
_MEMORY: Final = 5  # earlier results that the next one must not exceed by much
_BELIEF: Final = (0.3, 0.8)  # what earlier results leave of a score
_LEAST: Final = 1e-3  # of all that is heard: a weaker line does not matter
_NOTHING: Final = 1e-20


@attrs.frozen(eq=False)
class HumReading:
    """
    One look at hum; both of shape (channels,).

    :ivar score: 0 to 1.
    :ivar power: the mean square of what was judged to be hum, as far as that is believed.
    """

    score: Values
    power: Values


class Hum:
    """
    Keeps about two seconds of low-rate samples, and looks for mains hum in them when asked.

    :param rate: of these samples.
    :param tick: how many come at once.
    """

    def __init__(self, rate: float, channels: int, tick: int) -> None:
        self._rate, self._tick = rate, tick
        self._kept = np.zeros((channels, TICKS, tick), np.float32)
        self._ticks = 0
        self._earlier: list[Values] = []
        most = min(_HARMONICS * max(_MAINS), 0.4 * rate)
        self._lines = [
            [base * each for each in range(1, _HARMONICS + 1) if base * each <= most]
            for base in _MAINS
        ]
        piece = _PIECE * tick
        turns = np.outer(np.arange(piece) / rate, np.concatenate(self._lines)) * (2 * np.pi)
        window = np.hanning(piece + 1)[:-1, None]
        self._bank = np.hstack([np.cos(turns), np.sin(turns)]) * window
        self._bank = self._bank.astype(np.float32)

    def follow(self, low: Block) -> None:
        """Take in a tick: of shape (tick, channels)."""
        self._kept[:, self._ticks % TICKS] = low.T
        self._ticks += 1

    def look(self, high: Values, *, remember: bool) -> HumReading:
        """
        Look for hum in what is kept.

        :param high: the power of each channel above the low rate.
        :param remember: whether later looks are to know of this one.
        """
        if not self._ticks:
            return HumReading(np.zeros_like(high), np.zeros_like(high))
        kept = self._in_order()
        spectrum = _PowerSpectrum(kept, self._rate)
        heard = spectrum.whole + high
        found = np.array(
            [spectrum.line(each, heard * _LEAST) for lines in self._lines for each in lines]
        )
        if found.any():
            found *= self._steadiness(kept).T
        families = np.split(found, [len(self._lines[0])])
        power = np.maximum.reduce([_of_mains(each) for each in families])
        share = in_decibels(power) - in_decibels(heard)
        score = np.where(power > _NOTHING, up(share, *_SHARE), 0.0)
        earlier = [*self._earlier[-_MEMORY + 1 :], score]
        if remember:
            self._earlier = earlier
        believed = np.minimum(score, np.mean(earlier, axis=0))
        belief = up(believed / np.maximum(score, _NOTHING), *_BELIEF)
        return HumReading(believed, power * belief)

    def _in_order(self) -> Block:
        """Lay out what is kept, the oldest first: of shape (channels, samples)."""
        count = min(self._ticks, TICKS)
        order = [(self._ticks - count + each) % TICKS for each in range(count)]
        return self._kept[:, order].reshape(len(self._kept), -1)

    def _steadiness(self, kept: Block) -> Values:
        """Compare the quiet moments of each line with its ordinary ones: (channels, lines)."""
        piece = _PIECE * self._tick
        count = kept.shape[1] // piece
        lines = self._bank.shape[1] // 2
        if count <= 1:
            return np.ones((len(kept), lines))
        pieces = kept[:, kept.shape[1] - count * piece :].reshape(len(kept), count, piece)
        parts = pieces @ self._bank
        levels = np.sort(parts[:, :, :lines] ** 2 + parts[:, :, lines:] ** 2, axis=1)
        lowest = levels[:, 1 if count >= _MANY_PIECES else 0]
        return up(np.sqrt(lowest / (levels[:, count // 2] + _NOTHING)), *_STEADY)


def _of_mains(lines: Values) -> Values:
    """
    Add up lines, (harmonics, channels), as far as they belong together.

    Harmonics are believed within 10 dB of the fundamental.  Without one, a rectifier's are even,
    and there are two or more; one tone of 120 or 180 Hz may be anything.
    """
    with_first: Values = lines[0] + np.minimum(lines[1:].sum(axis=0), _BELIEVED * lines[0])
    even = np.sort(lines[1::2], axis=0)
    if len(even) <= 1:
        return with_first
    alone: Values = np.minimum(even.sum(axis=0), _BELIEVED * even[-2])
    return np.maximum(with_first, alone)


class _PowerSpectrum:
    """The spectrum of all that is kept, and what stands out of it."""

    def __init__(self, kept: Block, rate: float) -> None:
        length = kept.shape[1]
        window = np.hanning(length + 1)[:-1]
        window *= np.sqrt(2 / (length * (window**2).sum()))
        padded = max(length, 2 * int(rate))  # bins of half a hertz, or finer
        centred = kept - kept.mean(axis=1, keepdims=True)
        centred *= (window * np.sqrt(length / padded)).astype(np.float32)
        parts = np.fft.rfft(centred, padded, axis=1).view(np.float32)
        np.multiply(parts, parts, out=parts)
        self._power = parts[:, 0::2] + parts[:, 1::2]
        self._hertz = rate / padded
        self._lobe = _LOBE * rate / length
        lowest = self._bin(_LOWEST_HERTZ)
        self.whole = self._power[:, lowest:].sum(axis=1, dtype=np.float64)

    def _bin(self, hertz: float) -> int:
        nearest = min(max(round(hertz / self._hertz), 1), self._power.shape[1] - 1)
        return int(nearest)

    def _between(self, low: float, high: float) -> Block:
        part: Block = self._power[:, self._bin(low) : self._bin(high) + 1]
        return part

    def line(self, hertz: float, most: Values) -> Values:
        """
        Return the power of a line at a frequency, as far as it stands out there.

        :param most: what is less than this is not looked at.
        """
        result = np.zeros(len(self._power))
        away = hertz * _TOLERANCE + self._lobe
        near = self._between(hertz - away, hertz + away)
        power = near.sum(axis=1, dtype=np.float64)
        which = np.flatnonzero(power > most)
        if not which.size:
            return result
        near, power = near[which], power[which]
        inside = self._between(hertz * (1 - _TOLERANCE), hertz * (1 + _TOLERANCE))[which]
        below = self._between(hertz - away - _AROUND_HERTZ, hertz - away)[which]
        above = self._between(hertz + away, hertz + away + _AROUND_HERTZ)[which]
        around, peak = np.hstack([below, above]), inside.max(axis=1)
        middle = around.shape[1] // 2
        level = np.partition(around, middle, axis=1)[:, middle].astype(np.float64)
        stands_out = up(in_decibels(peak) - in_decibels(level), *_PROMINENT)
        stands_out[peak < near.max(axis=1)] = 0.0
        result[which] = stands_out * np.maximum(power - level * near.shape[1], 0.0)
        return result
