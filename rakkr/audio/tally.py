"""Sums a stream up second by second, while it is measured."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from rakkr.audio.blocks import Block, Counts
from rakkr.audio.k_weighting import KWeighting
from rakkr.audio.quiet import Quiet
from rakkr.audio.seconds import STEPS, UNKNOWN, Rows, Seconds, hops, millibels, row_type
from rakkr.audio.stretch import Stretch, Sums
from rakkr.audio.true_peak import TruePeak

LEAST_WEIGHTED_RATE: Final = 4_000
"""At lower rates the filters of BS.1770 do not exist, and loudness stays unknown."""


@attrs.frozen(eq=False)
class Spoken:
    """
    How much was listened to since the beginning of a stream, in hops, for each channel.

    :ivar heard: how much was heard; ``speech`` how much of that was speech.
    """

    heard: Counts
    speech: Counts

    @classmethod
    def nothing(cls, channels: int) -> Spoken:
        """Return what a stream has to which nobody listens."""
        none = np.zeros(channels, np.int64)
        return cls(none, none)

    def since(self, earlier: Spoken) -> Spoken:
        """Return what came since then."""
        return Spoken(self.heard - earlier.heard, self.speech - earlier.speech)

    def copy(self) -> Spoken:
        """Return a copy that does not go on counting."""
        return Spoken(self.heard.copy(), self.speech.copy())


class _Second:
    """Sums of one second, for each channel."""

    def __init__(self, channels: int, spoken: Spoken) -> None:
        self.frames = 0
        self.spoken_before = spoken.copy()
        self._peak: Sums = np.zeros(channels)
        self._squares: Sums = np.zeros(channels)
        self._clipped: Counts = np.zeros(channels, np.int64)
        self._quiet = Quiet.none(channels)

    def add(self, stretch: Stretch) -> None:
        """Take in what was measured of the frames that follow."""
        self._peak = np.maximum(self._peak, stretch.peak)
        self._squares = self._squares + stretch.rms**2 * stretch.frames
        self._clipped = self._clipped + stretch.clipped
        self._quiet = self._quiet.then(self.frames, stretch.quiet, stretch.frames)
        self.frames += stretch.frames

    def write(self, row: Rows, true_peaks: Sums) -> None:
        """
        Say what there is by now.

        :param true_peaks: of this second, in dBTP; that of silence is the floor of the meter.
        """
        row["peak"] = millibels(self._peak**2)
        row["true_peak"] = np.maximum(row["peak"], millibels(10.0 ** (true_peaks / 10.0)))
        row["power"] = millibels(self._squares / max(self.frames, 1))
        row["clipped"] = self._clipped
        row["silent"] = self._quiet.frames(self.frames)


class _Loudness:
    """K-weighted energies of the steps of one second, for each channel."""

    def __init__(self, rate: int, channels: int) -> None:
        self._edges = [step * rate // STEPS for step in range(STEPS + 1)]
        self._widths = np.diff(self._edges)
        self._energy = np.zeros((STEPS, channels))
        self._frames = np.zeros(STEPS, np.int64)

    def add(self, start: int, weighted: Block) -> None:
        """
        Take in frames that were filtered.

        :param start: where in the second the first of them lies.
        """
        for step in range(STEPS):
            first, last = (max(edge - start, 0) for edge in self._edges[step : step + 2])
            part = weighted[first:last]
            self._energy[step] += np.einsum("fc,fc->c", part, part)
            self._frames[step] += len(part)

    def write(self, row: Rows) -> None:
        """Give a level to each step that was heard as a whole."""
        levels = millibels(self._energy / np.maximum(self._widths, 1)[:, np.newaxis])
        levels[self._frames != self._widths] = UNKNOWN
        row["loudness"] = levels.T


class Tally:
    """
    Writes the record of a stream; for one thread at a time.

    What of a second has come is in the record at once, so that nothing need be told of the end.
    """

    def __init__(self, record: Seconds) -> None:
        self._record = record
        weighted = record.rate >= LEAST_WEIGHTED_RATE
        self._filter = KWeighting(record.rate, record.channels) if weighted else None
        self._true_peak = TruePeak(record.rate, record.channels)
        self._position = 0
        self._spoken = Spoken.nothing(record.channels)
        self._begin()

    @property
    def left(self) -> int:
        """How many frames are left of the second: no more are taken at once."""
        return self._record.rate - self._position % self._record.rate

    def add(self, piece: Block, stretch: Stretch, spoken: Spoken | None) -> None:
        """
        Take in the frames that follow.

        :param piece: of one second; see :attr:`left`.
        :param stretch: what was measured of just these frames.
        :param spoken: what was listened to so far.
        """
        number, start = divmod(self._position, self._record.rate)
        if self._filter is not None:
            self._loudness.add(start, self._filter.block(piece))
        self._true_peak.block(piece)
        self._second.add(stretch)
        self._spoken = spoken or self._spoken
        row = np.zeros(self._record.channels, row_type(self._record.rate))
        self._second.write(row, np.array(self._true_peak.peaks()))
        self._loudness.write(row)
        said = self._spoken.since(self._second.spoken_before)
        row["heard"], row["spoken"] = hops(said.heard), hops(said.speech)
        self._record.put(number, self._second.frames, row)
        self._move(self._position + len(piece))

    def gap(self, next_frame: int) -> None:
        """Go on at another frame: what lies between was not seen."""
        if self._filter is not None:
            self._filter.forget()
        self._true_peak.gap()
        self._move(next_frame)

    def _move(self, position: int) -> None:
        rate = self._record.rate
        before, self._position = self._position, position
        self._record.reached = position
        if position // rate != before // rate:
            self._begin()

    def _begin(self) -> None:
        """Begin a second."""
        record = self._record
        self._true_peak.restart()
        self._second = _Second(record.channels, self._spoken)
        self._loudness = _Loudness(record.rate, record.channels)
