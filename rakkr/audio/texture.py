"""What a stream sounds like, moment by moment: its spectrum, its noise floor, its hum."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from rakkr.audio.blocks import Block
from rakkr.audio.decimator import PORTION, Decimator
from rakkr.audio.hum import Hum, HumReading
from rakkr.audio.noise_floor import NoiseFloor
from rakkr.audio.shapes import Values
from rakkr.audio.spectrum import Powers, Slice, Spectrum

TICK_SECONDS: Final = 0.1
_SLICES_BETWEEN_LOOKS: Final = 3


@attrs.frozen(eq=False)
class Texture:
    """
    What was heard since the last time; powers are mean squares.

    :ivar edges: the frequencies between the bands, in Hz.
    :ivar power: of shape (channels, bands).
    :ivar floor: the noise floor in them, likewise.
    :ivar flatness: 1 for noise, towards 0 for tones; this and the rest of shape (channels,).
    :ivar top: which part of the power is in the top quarter of what the rate can carry.
    :ivar clicks: in which part of the windows there was a click and little else.
    :ivar hum: the score of hum, 0 to 1.
    :ivar hum_power: the power of what was judged to be hum.
    """

    edges: Values
    power: Values
    floor: Values
    flatness: Values
    top: Values
    clicks: Values
    hum: Values
    hum_power: Values


class TextureFollower:
    """
    Follows a stream in ticks of about a tenth of a second.

    From the beginning of every second tick a window goes to the spectrum; all of each goes to the
    low rate.  After three windows spectrum and noise floor are summed up, and after every third
    time hum is looked for.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._spectrum = Spectrum(rate, channels)
        portions = max(1, round(TICK_SECONDS * Decimator(rate, 1, 1).rate / PORTION))
        samples = portions * PORTION
        self._low = Decimator(rate, channels, portions)
        self._tick = samples * self._low.factor
        self._hum = Hum(self._low.rate, channels, samples)
        self._floor = NoiseFloor()
        self._window = np.zeros((channels, self._spectrum.length), np.float32)
        self._windowed = True
        self._filled = self._slices = 0
        self._heard = _Means()
        self._high = _Means()
        self._looks = _Means()
        self._looked = HumReading(np.zeros(channels), np.zeros(channels))
        self._last: Texture | None = None

    def block(self, block: Block) -> None:
        """Take in the next frames of the stream, any number of them."""
        length = self._spectrum.length
        while len(block):
            part = block[: self._tick - self._filled]
            block = block[len(part) :]
            self._low.block(part)
            end = self._filled + len(part)
            if self._windowed and self._filled < length:
                self._window[:, self._filled : end] = part[: length - self._filled].T
                if length <= end:
                    self._spectrum.window(self._window)
            self._filled = end
            if end == self._tick:
                self._end_tick()

    def _end_tick(self) -> None:
        self._filled = 0
        self._windowed = not self._windowed
        self._hum.follow(self._low.take())
        if self._spectrum.complete:
            self._end_slice()

    def _end_slice(self) -> None:
        found = self._spectrum.cut()
        self._high.add([found.high])
        self._heard.add(_parts(found, self._floor.follow(found)))
        self._slices += 1
        if self._slices % _SLICES_BETWEEN_LOOKS == 0:
            look = self._hum.look(self._high.take()[0], remember=True)
            self._looks.add([look.score, look.power])

    def frame(self) -> Texture | None:
        """
        Sum up what was heard since the last call.

        Less than a slice is looked at as it is, and counts again in the next frame; less than a
        window is judged by the frame before.

        :returns: None when not one window was heard yet.
        """
        heard = self._heard
        if not heard.count and self._spectrum.begun:
            found = self._spectrum.peek()
            heard.add(_parts(found, self._floor.peek(found)))
        if heard.count:
            if self._looks.count:
                self._looked = HumReading(*self._looks.take())
            elif self._slices < _SLICES_BETWEEN_LOOKS:
                self._looked = self._hum.look(self._recent_high(), remember=False)
            score, power = self._looked.score, self._looked.power
            bands, floor, flatness, top, clicks = heard.take()
            edges = self._spectrum.edges
            self._last = Texture(edges, bands, floor, flatness, top, clicks, score, power)
        return self._last

    def _recent_high(self) -> Values:
        """Return the power above the low rate since hum was looked for last."""
        if self._high.count:
            return self._high.means()[0]
        return self._spectrum.peek().high.astype(np.float64)


def _parts(found: Slice, floor: Powers) -> list[npt.NDArray[Any]]:
    """What of a slice a texture has, in its order."""
    return [found.power, floor, found.flatness, found.top, found.clicks / found.windows]


class _Means:
    """
    Means of some arrays, whatever they are.

    :ivar count: of how many of each.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[Values] = []

    def add(self, arrays: list[npt.NDArray[Any]]) -> None:
        """Take in one of each."""
        if self.count:
            for total, array in zip(self._sums, arrays, strict=True):
                np.add(total, array, out=total)
        else:
            self._sums = [array.astype(np.float64) for array in arrays]
        self.count += 1

    def means(self) -> list[Values]:
        """Return the means of what was taken in, at least once."""
        return [total / self.count for total in self._sums]

    def take(self) -> list[Values]:
        """Return the means, and begin again."""
        means = self.means()
        self.count = 0
        return means
